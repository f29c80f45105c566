import assert from 'node:assert/strict';
import { BoardAnswers } from '../../orchestrator/web/board-answer.js';
import { LiveBoards } from '../../orchestrator/web/live-boards.js';
import { silent, TestPlane } from '../support/control-planes.js';
import { resultOf, trialsOf } from '../support/trials.js';

describe('the answer of a board', () => {
  it('is made once for all who ask, and anew when it has changed and others have had their turns', async () => {
    let nowMs = 0;
    const answers = new BoardAnswers(() => (nowMs += 1)); // it takes 1 ms, and then rests for 10
    await using plane = await TestPlane.start();
    await plane.client.submit('s', trialsOf(2), { retryFailed: false });
    const boards = new LiveBoards(plane.plane.view, silent);
    const live = await boards.of('s');
    assert.ok(live !== null);
    const first = answers.of(live);
    assert.equal(answers.of(live), first);
    const worker = plane.worker();
    const { lease } = await worker.next('assign');
    await worker.acknowledged(worker.report({ kind: 'finished', lease, result: resultOf(0.5) }));
    assert.equal(answers.of(live), first, 'the events tell of it');
    nowMs += 20;
    const second = answers.of(live);
    assert.notEqual(second, first);
    const { trials } = JSON.parse(new TextDecoder().decode(second)) as { trials: { accuracy: (number | null)[] } };
    assert.deepEqual(trials.accuracy, [0.5, null]);
    nowMs += 1_000;
    assert.equal(answers.of(live), second, 'nothing has changed');
    await boards.close();
  });
});

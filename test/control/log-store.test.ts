import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { LogStore } from '../../orchestrator/control/log-store.js';
import type { LogLine } from '../../orchestrator/core/worker-message.js';
import { temporaryFolder } from '../support/dss.js';
import { trialIdOf } from '../support/trials.js';

const TRIAL = trialIdOf(1);
const line = (text: string, unixMs = Date.UTC(2026, 10, 24, 10)): LogLine => ({ unixMs, stream: 'stdout', text });

describe('the log of a trial', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let logs: LogStore;
  const text = () => readFileSync(join(folder.path, 'logs', `${TRIAL}.log`), 'utf8');

  beforeEach(() => {
    folder = temporaryFolder();
    logs = new LogStore(folder.path);
  });

  afterEach(() => folder[Symbol.dispose]());

  it('has a line for each line, with time, attempt and stream', () => {
    logs.append(TRIAL, 2, [line('hello'), { ...line('there'), stream: 'stderr' }]);
    assert.equal(
      text(),
      '2026-11-24T10:00:00.000Z attempt=2 stdout | hello\n2026-11-24T10:00:00.000Z attempt=2 stderr | there\n',
    );
    assert.equal(statSync(join(folder.path, 'logs', `${TRIAL}.log`)).mode & 0o777, 0o600);
  });

  it('shows what would steer a terminal, or fake a line, instead of doing it', () => {
    logs.append(TRIAL, 1, [line('a\u001b[31mb\nc\u202ed\r')]);
    assert.ok(text().endsWith('| a\\u001b[31mb\\nc\\u202ed\\u000d\n'), text());
  });

  it('says how many lines the worker left out', () => {
    logs.append(TRIAL, 1, [line('x')], 17);
    assert.match(text(), /dss \| 17 lines left out/);
  });

  it('cuts a line that is too long and says by how much', () => {
    logs.append(TRIAL, 1, [line('é'.repeat(10_000))]);
    const [, content] = text().split(' | ');
    assert.match(content ?? '', /^é{4096} … \(11808 bytes more\)\n$/);
  });

  it('stops growing at its limit, with a note', () => {
    const small = new LogStore(folder.path, 1_000);
    for (let count = 0; count < 100; count += 1) small.append(TRIAL, 1, [line('twenty characters at least')]);
    const lines = text().trimEnd().split('\n');
    assert.ok(text().length < 1_200);
    assert.match(lines.at(-1) ?? '', /dss \| the log is as long as it may be/);
    const again = new LogStore(folder.path, 1_000);
    again.append(TRIAL, 1, [line('after a restart')]);
    assert.equal(text().trimEnd().split('\n').length, lines.length);
  });

  it('takes a time that no date can show', () => {
    logs.append(TRIAL, 1, [line('x', Number.MAX_SAFE_INTEGER)]);
    assert.ok(text().startsWith('9999-12-31'));
  });

  const collect = async (goesOn: () => boolean, signal = new AbortController().signal) => {
    const found: string[] = [];
    for await (const lines of logs.read(TRIAL, goesOn, signal)) found.push(...lines);
    return found.map((each) => each.split(' | ')[1]);
  };

  it('reads as it is, and as nothing before anything was written', async () => {
    assert.deepEqual(await collect(() => false), []);
    logs.append(
      TRIAL,
      1,
      Array.from({ length: 3_000 }, (_, index) => line(`line ${index} ${'é'.repeat(50)}`)),
    );
    const found = await collect(() => false);
    assert.equal(found.length, 3_000);
    assert.equal(found[2_999], `line 2999 ${'é'.repeat(50)}`);
  });

  it('is followed until its trial has ended, to the last line', async () => {
    let isOpen = true;
    const following = collect(() => isOpen);
    logs.append(TRIAL, 1, [line('one')]);
    await new Promise(setImmediate);
    logs.append(TRIAL, 1, [line('two')]);
    isOpen = false;
    logs.append(TRIAL, 1, [line('three')]);
    assert.deepEqual(await following, ['one', 'two', 'three']);
  });

  it('is followed no longer than its reader wants', async () => {
    const leave = new AbortController();
    const following = collect(() => true, leave.signal);
    await new Promise(setImmediate);
    leave.abort();
    assert.deepEqual(await following, []);
  });
});

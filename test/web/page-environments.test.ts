/** Seeds of a cell that ran on what does not compare have no common mean on the page either. */
import assert from 'node:assert/strict';
import { gridTrials } from '../support/grid-trials.js';
import { skip } from '../support/skip.js';
import { resultOf } from '../support/trials.js';
import { hasBrowser, NO_BROWSER, TestBrowser, TestWeb } from '../support/web-page.js';

const A100 = { device: 'cuda', device_name: 'NVIDIA A100', torch: '2.15.0' };
const H100 = { ...A100, device_name: 'NVIDIA H100' };

const STANDARD = [
  { accuracy: 0.5, environment: { ...A100, host: 'a' } },
  { accuracy: 0.6, environment: { ...A100, host: 'b' } },
  { accuracy: 0.9, environment: { ...H100, host: 'c' } },
];

describe('the page of a sweep that ran on several environments', () => {
  let browser: TestBrowser;
  before(async function () {
    if (!hasBrowser()) skip(this, NO_BROWSER);
    browser = await TestBrowser.start();
  });
  after(() => browser?.close());

  it('has a mean for each of them, and none over two, as results come in', async () => {
    await using web = await TestWeb.start({ isBuilt: true });
    await web.plane.client.submit('s', gridTrials({ models: ['a'], sizes: [1], seeds: 3 }), { retryFailed: false });
    const worker = web.plane.worker();
    /** Lent by seed: of each method the same one. */
    const finishSeed = async () => {
      for (let each = 0; each < 2; each += 1) {
        const { lease, trial } = await worker.next('assign');
        const { model_type, seed } = trial.settings;
        const ran = model_type === 'standard' ? STANDARD[seed] : { accuracy: 0.75, environment: H100 };
        const result = { ...resultOf(ran?.accuracy ?? 0), environment: ran?.environment ?? {} };
        await worker.acknowledged(worker.report({ kind: 'finished', lease, result }));
      }
    };
    await finishSeed();
    await finishSeed();
    const { page, complaints } = await browser.open(web.url('sweeps/s'));
    const cell = (name: string) => page.getByRole('gridcell', { name });
    await cell('a, cqa, standard, size 1: mean accuracy 55.0 percent; ').waitFor();
    await cell('a, cqa, step-by-step, size 1: mean accuracy 75.0 percent; ').waitFor();
    assert.equal(await page.getByText('2 environments', { exact: true }).count(), 0);

    await finishSeed();
    const apart = 'mean accuracy 55.0 percent on NVIDIA A100, mean accuracy 90.0 percent on NVIDIA H100; ';
    await cell(`a, cqa, standard, size 1: ${apart}`).waitFor();
    await page.getByText('2 environments', { exact: true }).waitFor();
    await page.getByText('Results ran on 2 environments (NVIDIA A100; NVIDIA H100)').waitFor();
    await cell('a, cqa, standard').click();
    const panel = page.getByRole('dialog');
    await panel.getByRole('row', { name: 'NVIDIA A100 2 55.00 ± 7.07' }).waitFor();
    await panel.getByRole('row', { name: 'NVIDIA H100 1 90.00' }).waitFor();
    await panel.getByText('seed 2 NVIDIA H100').waitFor();
    assert.deepEqual(await page.getByText('66.7').count(), 0, 'the mean over all three');

    await cell('a, cqa, step-by-step, size 1: mean accuracy 75.0 percent; 3 succeeded').waitFor();
    const { page: other } = await browser.open(web.url('sweeps/s'));
    await other.getByText('2 environments', { exact: true }).waitFor();
    assert.deepEqual(complaints, []);
    await browser.leave(other);
    await browser.leave(page);
  });
});

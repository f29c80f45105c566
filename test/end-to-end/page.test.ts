/** Real trials of real workers, looked at in a real browser while they run. */
import assert from 'node:assert/strict';
import { runDss, startDss, temporaryFolder } from '../support/dss.js';
import { skip } from '../support/skip.js';
import { DATASETS, writeTinySweep } from '../support/tiny-sweep.js';
import { ensurePage, hasBrowser, NO_BROWSER, TestBrowser } from '../support/web-page.js';

describe('the page of a real sweep', () => {
  it('shows it from the first trial to the last, with curves, logs and metrics', async function () {
    if (!hasBrowser()) skip(this, NO_BROWSER);
    using folder = temporaryFolder();
    await ensurePage();
    const home = `${folder.path}/home`;
    const words = ['serve', '--home', home, '--listen', '127.0.0.1:0', '--web-listen', '127.0.0.1:0', '--grace', '1'];
    const dss = startDss(words);
    const url = (await dss.lineOnStderr((line) => line.startsWith('page:'))).replace(/^page:\s+/, '');
    const worker = startDss(['worker', '--home', home]);
    const browser = await TestBrowser.start();
    try {
      const file = writeTinySweep(folder.path, { seeds: [0, 1] });
      const { code, stderr } = await runDss(['sweep', file, '--home', home, '--datasets', DATASETS, '--detach']);
      assert.equal(code, 0, stderr);
      const { page, complaints } = await browser.open(`${url}sweeps/tiny`);
      page.setDefaultTimeout(100_000);
      await page.getByText('running').first().waitFor();
      await page.getByText('4 of 4 trials done').waitFor();
      await page.getByRole('button', { name: 'Trials' }).click();
      await page
        .getByRole('link', { name: /seed 1/ })
        .first()
        .click();
      await page.getByRole('img', { name: /^Accuracy; newest: validation/ }).waitFor();
      await page.getByRole('img', { name: /^Loss; newest: training/ }).waitFor();
      await page.getByLabel('End of the log').waitFor();
      assert.deepEqual(complaints, []);
      const metrics = await (await fetch(`${url}metrics`)).text();
      assert.match(metrics, /^dss_attempts_total\{outcome="succeeded"\} 4$/m);
      assert.match(metrics, /^dss_evaluations_total [1-9]/m);
    } finally {
      await browser.close();
      for (const each of [worker, dss]) process.kill(each.pid, 'SIGTERM');
      await Promise.all([worker.finished, dss.finished]);
    }
  });
});

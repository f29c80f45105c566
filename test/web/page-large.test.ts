/** 100,000 trials: what exists on the page is what is in sight. `npm run bench:web` measures how long it takes. */
import assert from 'node:assert/strict';
import { largeGrid } from '../support/grid-trials.js';
import { skip } from '../support/skip.js';
import { resultOf } from '../support/trials.js';
import { hasBrowser, NO_BROWSER, TestBrowser, TestWeb } from '../support/web-page.js';

describe('the page of 100,000 trials', () => {
  let browser: TestBrowser;
  let web: TestWeb;
  before(async function () {
    if (!hasBrowser()) skip(this, NO_BROWSER);
    browser = await TestBrowser.start();
    web = await TestWeb.start({ isBuilt: true });
    await web.plane.client.submit('large', largeGrid(), { retryFailed: false });
  });
  after(async () => {
    await browser?.close();
    await web?.[Symbol.asyncDispose]();
  });

  it('has the rows in sight, the last ones too when one gets there, and follows changes', async () => {
    const { page, complaints } = await browser.open(web.url('sweeps/large'));
    await page.getByText('0 of 100,000 trials done').waitFor();
    await page.getByRole('grid').waitFor();
    const nodes = () => page.evaluate<number>("document.querySelectorAll('*').length");
    assert.ok((await nodes()) < 12_000, `${await nodes()} nodes`);
    await page.getByRole('grid').focus();
    for (let each = 0; each < 20; each += 1) await page.keyboard.press('PageDown');
    await page.getByRole('gridcell', { name: 'org/model-49, data-3' }).first().waitFor();
    assert.equal(await page.getByRole('gridcell', { name: 'org/model-0, data-0' }).count(), 0);
    assert.ok((await nodes()) < 12_000);
    const worker = web.plane.worker();
    const { lease } = await worker.next('assign');
    await worker.acknowledged(worker.report({ kind: 'finished', lease, result: resultOf(0.5) }));
    await page.getByText('1 of 100,000 trials done').waitFor();
    assert.deepEqual(complaints, []);
    await browser.leave(page);
  });

  it('lists and searches them all', async () => {
    const { page } = await browser.open(web.url('sweeps/large?view=trials'));
    await page.getByText('100,000 trials', { exact: true }).waitFor();
    assert.ok((await page.getByRole('listitem').count()) < 80);
    await page.getByRole('searchbox').fill('model-7 data-2 seed:3');
    await page.getByText('50 trials', { exact: true }).waitFor();
    await browser.leave(page);
  });
});

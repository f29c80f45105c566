/** The panels of the page: what they show while the server has no answer for them, and after that. */
import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { gridTrials } from '../support/grid-trials.js';
import { skip } from '../support/skip.js';
import { resultOf, trialIdOf, trialsOf } from '../support/trials.js';
import { hasBrowser, NO_BROWSER, TestBrowser, TestWeb } from '../support/web-page.js';

const AGAIN = 'What is below may be old. It is asked for again in a moment.';

describe('the panel of a trial that runs', () => {
  let browser: TestBrowser;
  before(async function () {
    if (!hasBrowser()) skip(this, NO_BROWSER);
    browser = await TestBrowser.start();
  });
  after(() => browser?.close());

  /** Gives what ends the trial. */
  async function running(web: TestWeb): Promise<() => Promise<void>> {
    await web.plane.client.submit('s', trialsOf(1), { retryFailed: false });
    const worker = web.plane.worker();
    const { lease } = await worker.next('assign');
    return async () => {
      await worker.acknowledged(worker.report({ kind: 'finished', lease, result: resultOf(0.75) }));
    };
  }

  async function open(web: TestWeb): Promise<Page> {
    const { page } = await browser.open(web.url(`sweeps/s?trial=${trialIdOf(1)}`));
    await stateIn(page, 'running').waitFor();
    return page;
  }

  const panelOf = (page: Page) => page.getByRole('dialog', { name: 'Trial 00000000' });
  const stateIn = (page: Page, state: string) => panelOf(page).locator('b', { hasText: state });
  const saysAgain = (page: Page) => panelOf(page).getByText(AGAIN);

  it('says that it asks again while its server is away, and goes on when that is back', async () => {
    await using web = await TestWeb.start({ isBuilt: true });
    const finish = await running(web);
    const page = await open(web);
    await web.closePage();
    await panelOf(page).getByText('The server does not answer.').waitFor();
    await saysAgain(page).waitFor();
    await stateIn(page, 'running').waitFor();
    await finish();
    await web.openPage();
    await stateIn(page, 'succeeded').waitFor();
    assert.equal(await saysAgain(page).count(), 0);
    await browser.leave(page);
  });

  it('bears that its requests are too many', async () => {
    let nowMs = 0;
    await using web = await TestWeb.start({ isBuilt: true, nowMs: () => nowMs });
    const finish = await running(web);
    const page = await open(web);
    while ((await web.ask('/healthz')).status !== 429);
    await panelOf(page).getByText('too many requests').waitFor();
    await saysAgain(page).waitFor();
    await finish();
    nowMs += 10_000;
    await stateIn(page, 'succeeded').waitFor();
    assert.equal(await saysAgain(page).count(), 0);
    await browser.leave(page);
  });

  it('asks no more for one that there is not', async () => {
    await using web = await TestWeb.start({ isBuilt: true });
    await running(web);
    const { page } = await browser.open(web.url('/'));
    const asked: string[] = [];
    page.on('request', (request) => {
      if (request.url().includes('/trials/')) asked.push(request.url());
    });
    await page.clock.install();
    await page.goto(web.url(`sweeps/s?trial=${trialIdOf(7)}`));
    await panelOf(page)
      .getByText(`there is no trial ${trialIdOf(7)}`)
      .waitFor();
    assert.equal(await panelOf(page).getByText('asked for again').count(), 0);
    await page.clock.runFor(60_000);
    assert.deepEqual(asked, [web.url(`api/v1/trials/${trialIdOf(7)}`)]);
    await browser.leave(page);
  });
});

describe('the panel of a comparison', () => {
  let browser: TestBrowser;
  before(async function () {
    if (!hasBrowser()) skip(this, NO_BROWSER);
    browser = await TestBrowser.start();
  });
  after(() => browser?.close());

  it('asks again where its request was one too many', async () => {
    let nowMs = 0;
    await using web = await TestWeb.start({ isBuilt: true, nowMs: () => nowMs });
    await web.plane.client.submit('s', gridTrials({ models: ['a'], sizes: [1], seeds: 1 }), { retryFailed: false });
    const { page } = await browser.open(web.url('sweeps/s'));
    await page.getByRole('gridcell', { name: 'a, cqa, standard' }).click();
    await page.getByRole('button', { name: 'Compare with another cell' }).click();
    while ((await web.ask('/healthz')).status !== 429);
    await page.getByRole('gridcell', { name: 'a, cqa, step-by-step' }).click();
    const panel = page.getByRole('dialog', { name: 'Comparison' });
    await panel.getByText('too many requests').waitFor();
    await panel.getByText('It is asked for again in a moment.', { exact: true }).waitFor();
    nowMs += 10_000;
    await panel.getByText('Not tested: no seed has a result of both.').waitFor();
    assert.equal(await panel.getByText('asked for again').count(), 0);
    await browser.leave(page);
  });
});

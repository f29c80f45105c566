import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { TokenStore } from '../../orchestrator/auth/token-store.js';
import { gridTrials } from '../support/grid-trials.js';
import type { ScriptedWorker } from '../support/scripted-worker.js';
import { skip } from '../support/skip.js';
import { evaluationOf, failureOf, resultOf } from '../support/trials.js';
import { hasBrowser, NO_BROWSER, TestBrowser, TestWeb } from '../support/web-page.js';

const CANARY = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`;

const INTRUDE = `(async () => {
  const tries = [
    () => {
      const script = document.createElement('script');
      script.textContent = 'window.owned = 1';
      document.body.append(script);
    },
    () => document.body.setAttribute('onclick', 'window.owned = 2'),
    () => document.body.insertAdjacentHTML('beforeend', '<img src=x onerror="window.owned=3">'),
    () => {
      const script = document.createElement('script');
      script.src = 'data:text/javascript,window.owned=4';
      document.body.append(script);
    },
  ];
  for (const attempt of tries) {
    try {
      attempt();
    } catch {}
  }
  document.body.click();
  await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  return { owned: window.owned, fetched: await fetch('https://example.com').then(() => true, () => false) };
})()`;

const NAMELESS = `[...document.querySelectorAll('button, a, input, select, svg, [role=img], [role=gridcell]')]
  .filter((each) => each.closest('[aria-hidden=true]') === null)
  .filter((each) => !(each.getAttribute('aria-label') ?? each.closest('label')?.textContent ?? each.textContent ?? '').trim())
  .map((each) => each.outerHTML.slice(0, 100))`;

/** As text: what runs in the page must not be touched by what compiles the tests. */
const FAINT = `(() => {
  const numbers = (colour) => (colour.match(/[\\d.]+/g) ?? []).map(Number);
  const light = (colour) => {
    const [r = 0, g = 0, b = 0] = numbers(colour).map((part) => {
      const share = part / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const groundOf = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      const [, , , alpha = 1] = numbers(colour);
      if (alpha === 1) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  return [...document.querySelectorAll('p, span, b, code, h1, h2, button, a, .size, .corner')]
    .filter((each) => [...each.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim()))
    .flatMap((each) => {
      const [a, b] = [light(getComputedStyle(each).color), light(groundOf(each))];
      const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      return ratio < 4.5 ? [ratio.toFixed(2) + ' ' + each.textContent] : [];
    });
})()`;

const GIB = 2 ** 30;

describe('the page', () => {
  let browser: TestBrowser;
  let web: TestWeb;
  let worker: ScriptedWorker;
  before(async function () {
    if (!hasBrowser()) skip(this, NO_BROWSER);
    browser = await TestBrowser.start();
    web = await TestWeb.start({ isBuilt: true });
    const trials = gridTrials({
      models: ['google/t5-small', 'google/t5-base', `./models/${CANARY}`],
      sizes: [0.5, 1],
      seeds: 3,
    });
    await web.plane.client.submit('tables', trials, { retryFailed: false });
    worker = web.plane.worker({ workerId: 'gpu-1' });
    await worker.next('welcome');
    const load = { utilization: 0.875, memoryUsedBytes: 12 * GIB, memoryTotalBytes: 80 * GIB };
    worker.say({ kind: 'load', load: { devices: [load], warm: 1 } });
    for (let each = 0; each < 26; each += 1) {
      const { lease, trial } = await worker.next('assign');
      worker.report({
        kind: 'metrics',
        lease,
        training: [
          { step: 1, loss: 2 },
          { step: 2, loss: 1 },
        ],
        evaluations: [evaluationOf(2)],
      });
      worker.report({
        kind: 'log',
        lease,
        dropped: 0,
        lines: [{ unixMs: 0, stream: 'stdout', text: `${CANARY} \u001b[31m\u202e` }],
      });
      const bonus = trial.settings.model_type === 'standard' ? 0 : 0.1;
      const failure = { ...failureOf('user', 'NON_FINITE'), message: `the loss was NaN ${CANARY}`, hint: 'lower `lr`' };
      const result = resultOf(0.5 + bonus + trial.settings.seed / 100);
      const sequence = worker.report(
        each === 7 ? { kind: 'failed', lease, failure } : { kind: 'finished', lease, result },
      );
      await worker.acknowledged(sequence);
    }
  });
  after(async () => {
    await browser?.close();
    await web?.[Symbol.asyncDispose]();
  });
  const open = (path = 'sweeps/tables', options: Parameters<TestBrowser['open']>[1] = {}) =>
    browser.open(web.url(path), options);
  const done = () => web.plane.plane.view.journal.sweep('tables')?.counts.succeeded ?? 0;
  const saysHowMany = (page: Page) => page.getByText(`${done()} of 36 trials done`).waitFor();
  const cellOf = (page: Page, name: string) => page.getByRole('gridcell', { name });

  it('shows progress, failures with their cause, the matrix and the workers, and breaks none of its own rules', async () => {
    const { page, complaints } = await open();
    await saysHowMany(page);
    await page.getByRole('heading', { name: '1 trial failed' }).waitFor();
    await page.getByText('NON_FINITE').first().waitFor();
    await page.getByRole('columnheader', { name: 'step-by-step, size 1' }).waitFor();
    await cellOf(page, 'google/t5-small, cqa, standard, size 0.5: mean accuracy').waitFor();
    await page.getByText('gpu-1').waitFor();
    await page.getByText('88 %').waitFor();
    await page.getByText('12 of 80 GiB').waitFor();
    await page.getByText('warm', { exact: true }).waitFor();
    assert.equal(await page.title(), 'tables · dss');
    assert.deepEqual(complaints, []);
    await browser.leave(page);
  });

  it('shows what others wrote as text: names, messages and logs run nowhere', async () => {
    const { page, complaints } = await open();
    await page.getByText('the loss was NaN <img').waitFor();
    await page
      .getByRole('link', { name: /^[0-9a-f]{8}$/ })
      .first()
      .click();
    await page.getByText('<img src=x').last().waitFor();
    const log = page.getByLabel('End of the log');
    await log.waitFor();
    assert.match((await log.textContent()) ?? '', /\\u001b\[31m\\u202e/);
    assert.equal(await page.locator('img[src=x]').count(), 0);
    assert.equal(await page.title(), 'tables · dss');
    assert.deepEqual(complaints, []);
    await browser.leave(page);
  });

  it('lets no script in: neither inline, nor by an attribute, nor from elsewhere', async () => {
    const { page } = await open();
    await page.getByRole('grid').waitFor();
    const ran = await page.evaluate<{ owned?: number; fetched: boolean }>(INTRUDE);
    assert.deepEqual([ran.owned, ran.fetched], [undefined, false]);
    await browser.leave(page);
  });

  it('follows what happens, without being loaded again', async () => {
    const { page } = await open();
    await saysHowMany(page);
    const { lease } = await worker.next('assign');
    await worker.acknowledged(worker.report({ kind: 'finished', lease, result: resultOf(0.9) }));
    await saysHowMany(page);
    await browser.leave(page);
  });

  it('goes on after the line was cut', async () => {
    const { page } = await open();
    await saysHowMany(page);
    await web.closePage();
    await page.getByText('not connected').waitFor();
    const { lease } = await worker.next('assign');
    await worker.acknowledged(worker.report({ kind: 'finished', lease, result: resultOf(0.9) }));
    await web.openPage();
    await saysHowMany(page);
    await browser.leave(page);
  });

  it('compares two cells that are picked one after the other, and the address says so', async () => {
    const { page } = await open();
    await cellOf(page, 'google/t5-small, cqa, standard, size 1:').click();
    await page.getByRole('button', { name: 'Compare with another cell' }).click();
    await cellOf(page, 'google/t5-small, cqa, step-by-step, size 1:').click();
    await page.getByRole('dialog', { name: 'Comparison' }).waitFor();
    await page.getByText('+10.00').first().waitFor();
    await page.getByText(/Not tested|p = /).waitFor();
    await page.getByText('t5-small · cqa · 100 % of data').waitFor();
    const { page: other } = await browser.open(page.url());
    await other.getByRole('dialog', { name: 'Comparison' }).waitFor();
    await page.goBack();
    await page.getByRole('heading', { name: 't5-small' }).waitFor();
    await browser.leave(page);
    await browser.leave(other);
  });

  it('filters by words and by state, and finds a trial by its id', async () => {
    const { page } = await open();
    await page.getByRole('searchbox').fill('t5-base');
    await cellOf(page, 'google/t5-base, cqa, standard, size 1:').waitFor();
    assert.equal(await cellOf(page, 'google/t5-small').count(), 0);
    await page.getByRole('searchbox').fill('');
    await page.getByRole('button', { name: /failed/ }).click();
    await page.getByRole('button', { name: 'Trials' }).click();
    await page.getByText('1 trial', { exact: true }).waitFor();
    await page.getByRole('button', { name: /failed/ }).click();
    await page.getByRole('searchbox').fill('0000000000000000000f');
    await page.getByText('1 trial', { exact: true }).waitFor();
    await browser.leave(page);
  });

  it('is walked by keyboard alone: skip link, filters, matrix, cell, and back to where one was', async () => {
    const { page } = await open();
    await page.getByRole('grid').waitFor();
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate('document.activeElement.textContent.trim()'), 'Skip to content');
    for (let each = 0; each < 30; each += 1) {
      if (await page.evaluate("document.activeElement.getAttribute('role') === 'grid'")) break;
      await page.keyboard.press('Tab');
    }
    const active = () => page.evaluate("document.activeElement.getAttribute('aria-activedescendant')");
    assert.equal(await active(), 'cell-0-0');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowDown');
    assert.equal(await active(), 'cell-1-1');
    await page.keyboard.press('End');
    await page.keyboard.press('ArrowRight');
    assert.equal(await active(), 'cell-1-3');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 't5-base' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    assert.equal(await active(), 'cell-1-3');
    await browser.leave(page);
  });

  it('gives every control and every graphic a name', async () => {
    const { page } = await open();
    await page.getByRole('grid').waitFor();
    const nameless = await page.evaluate(NAMELESS);
    assert.deepEqual(nameless, []);
    await browser.leave(page);
  });

  it('fits a phone: nothing but the matrix itself is wider than the screen', async () => {
    const { page } = await open('sweeps/tables', {
      viewport: { width: 390, height: 844 },
      isMobile: true,
      hasTouch: true,
    });
    await page.getByRole('grid').waitFor();
    assert.ok((await page.evaluate<number>('document.documentElement.scrollWidth')) <= 390);
    await cellOf(page, 'google/t5-small, cqa, standard, size 0.5:').tap();
    const panel = await page.getByRole('dialog').boundingBox();
    assert.deepEqual([panel?.x, panel?.width], [0, 390]);
    await page.getByRole('button', { name: 'Close' }).tap();
    await browser.leave(page);
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`is legible in the ${colorScheme}: text stands out from its ground by 4.5 to 1`, async () => {
      const { page } = await open('sweeps/tables', { colorScheme });
      await page.getByRole('grid').waitFor();
      const faint = await page.evaluate(FAINT);
      assert.deepEqual(faint, []);
      await browser.leave(page);
    });
  }

  it('is read-only until somebody signs in; then it pauses and goes on', async () => {
    const token = new TokenStore(web.plane.home).grant({
      kind: 'user',
      user: 'ada',
      role: 'submit',
      createdAt: '2026-01-01T00:00:00.000Z',
      expiresAt: null,
    });
    const { page } = await open();
    await page.getByRole('grid').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Pause' }).count(), 0);
    await page.getByRole('button', { name: 'Read-only · sign in' }).click();
    await page.getByLabel('Token').fill(token);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('Paused: by hand').waitFor();
    assert.equal(web.plane.plane.view.journal.sweep('tables')?.standing.state, 'paused');
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('button', { name: 'Pause' }).waitFor();
    assert.ok(!page.url().includes(token));
    await page.getByRole('button', { name: 'Sign out ada' }).click();
    await page.getByRole('button', { name: 'Read-only · sign in' }).waitFor();
    await browser.leave(page);
  });
});

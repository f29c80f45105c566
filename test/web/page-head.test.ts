/** The head of the matrix: methods whose names differ only at their ends. */
import assert from 'node:assert/strict';
import { skip } from '../support/skip.js';
import { trialOf } from '../support/trials.js';
import { hasBrowser, NO_BROWSER, TestBrowser, TestWeb } from '../support/web-page.js';

const TEACHERS = ['claude-opus', 'claude-haiku'];

/** Both methods, both kinds of labels, two teachers, one size: each method has one narrow column. */
const TRIALS = TEACHERS.flatMap((llm, place) =>
  (['standard', 'task_prefix'] as const).map((model_type, method) =>
    trialOf(2 * place + method + 1, { model_type, label_type: 'llm', llm, alpha: method === 0 ? null : 0.5 }),
  ),
);

const TITLES = `[...document.querySelectorAll('.matrix-head .method')].map((each) => each.title)`;

/** Of what the head says, what is not to be seen whole. */
const CUT_OFF = `[...document.querySelectorAll('.matrix-head .method span')]
  .filter((each) => {
    const [own, head] = [each.getBoundingClientRect(), each.closest('.matrix-head').getBoundingClientRect()];
    return each.scrollWidth > each.clientWidth || own.bottom > head.bottom || own.top < head.top;
  })
  .map((each) => each.textContent)`;

describe('the head of the matrix', () => {
  let browser: TestBrowser;
  let web: TestWeb;
  before(async function () {
    if (!hasBrowser()) skip(this, NO_BROWSER);
    browser = await TestBrowser.start();
    web = await TestWeb.start({ isBuilt: true });
    await web.plane.client.submit('teachers', TRIALS, { retryFailed: false });
  });
  after(async () => {
    await browser?.close();
    await web?.[Symbol.asyncDispose]();
  });

  for (const width of [1280, 390]) {
    it(`says each method whole at ${width} pixels, and once more where it is pointed at`, async () => {
      const { page } = await browser.open(web.url('sweeps/teachers'), { viewport: { width, height: 844 } });
      await page.getByRole('grid').waitFor();
      assert.deepEqual(await page.evaluate(TITLES), [
        'standard · claude-opus',
        'step-by-step · claude-opus',
        'standard · claude-haiku',
        'step-by-step · claude-haiku',
      ]);
      assert.deepEqual(await page.evaluate(CUT_OFF), []);
      await browser.leave(page);
    });
  }
});

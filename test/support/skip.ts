/** A test that this machine cannot run says why it did not. */
export function skip(test: Mocha.Context, why: string): never {
  console.warn(`      skipped: ${why}`);
  test.skip();
  throw new Error('unreachable');
}

/** What the tests ask of jstat, which has no types. */
declare module 'jstat' {
  const jstat: {
    readonly studentt: { cdf(t: number, df: number): number };
    ibeta(x: number, a: number, b: number): number;
  };
  export = jstat;
}

/** How the page looks: on a screen, on a phone, in the dark, on paper. */
import { chartStyle, LIGHT } from '../figures/chart-style.js';

export const STYLE = `
:root {
  color-scheme: light dark;
  --shade: rgb(127 127 127 / .5);
  ${Object.entries(LIGHT)
    .map(([name, value]) => `--${name}: ${value};`)
    .join(' ')}
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14181d; --text: #e3e8ee; --quiet: #9aa6b2; --line: #353d47; --head: #1d232a;
    --c0: #6cb6ff; --c1: #f69d6b; --c2: #7bd88f; --c3: #c9a0ef; --c4: #e3c25b; --c5: #f48fb8;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 78rem; padding: 1.5rem 1rem 4rem; background: var(--ground); color: var(--text);
  font: 1rem/1.55 system-ui, sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem; padding-top: .5rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.5rem 0 .25rem; }
p { margin: .4rem 0; max-width: 46rem; }
.quiet, figcaption { color: var(--quiet); font-size: .9rem; }
.answer { font-size: 1.1rem; padding: .75rem 1rem; margin: 1.25rem 0; background: var(--head); border-left: 4px solid var(--c0); }
.answer p { max-width: none; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; padding: 0; margin: .75rem 0; list-style: none; }
a { color: var(--c0); }
:focus-visible { outline: 3px solid var(--c0); outline-offset: 2px; }
/* A shadow at a side where more of the table lies: not every system shows a bar. */
.scroll { overflow-x: auto; margin: .75rem 0; background:
  linear-gradient(to right, var(--ground) 40%, transparent) 0 0 / 3rem 100% no-repeat local,
  linear-gradient(to left, var(--ground) 40%, transparent) 100% 0 / 3rem 100% no-repeat local,
  linear-gradient(to right, var(--shade), transparent) 0 0 / .75rem 100% no-repeat scroll,
  linear-gradient(to left, var(--shade), transparent) 100% 0 / .75rem 100% no-repeat scroll; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--quiet); padding-bottom: .25rem; }
caption span { position: sticky; left: 0; display: inline-block; max-width: min(100vw - 2rem, 60rem); white-space: normal; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
td { white-space: nowrap; }
/* A number is wide enough; its title goes over several lines. */
th { white-space: normal; vertical-align: bottom; }
td.words { white-space: normal; min-width: 10rem; }
th { background: var(--head); font-weight: 600; }
.right { text-align: right; }
figure { margin: 1rem 0; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(30rem, 100%), 1fr)); gap: 0 2rem; }
.figures > * { min-width: 0; }
.chart { width: 100%; max-width: 44rem; height: auto; display: block; }
${chartStyle((name) => `var(--${name})`)}
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; list-style: none; padding: 0; margin: .25rem 0; font-size: .9rem; }
.key { display: inline-block; width: 1.4rem; height: 0; border-top: 4px solid currentColor; margin-right: .4rem; vertical-align: middle; }
.key.dashes { border-top-style: dashed; }
.key.across { border-top: 3px dotted var(--quiet); }
@media (max-width: 32rem) {
  /* It lies beyond the edge: lines of it would make all rows tall. */
  td.words { min-width: 22rem; }
  .chart .axis { font-size: 20px; }
  .chart .tick, .chart .share { font-size: 19px; }
}
details { margin: .25rem 0; }
summary { cursor: pointer; color: var(--quiet); font-size: .9rem; }
code, pre { font-family: ui-monospace, monospace; font-size: .9em; }
pre { overflow-x: auto; padding: .6rem .8rem; background: var(--head); }
li { overflow-wrap: anywhere; }
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav { display: none; }
  .scroll { overflow: visible; background: none; }
  figure, tr { break-inside: avoid; }
  details::details-content { content-visibility: visible; block-size: auto; }
}
`;

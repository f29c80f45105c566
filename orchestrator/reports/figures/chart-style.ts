/** How a chart looks, for the page, where its colours follow light and dark, and for files of their own, where none do. */

/** Of the page in the light, and of every figure that stands alone. */
export const LIGHT = {
  ground: '#ffffff',
  text: '#1b1f24',
  quiet: '#57606a',
  line: '#d8dee4',
  head: '#f6f8fa',
  c0: '#0b62a8',
  c1: '#b3470f',
  c2: '#2b7a3d',
  c3: '#7a3fa0',
  c4: '#8a6a00',
  c5: '#a1265a',
} as const;

export type ColourName = keyof typeof LIGHT;

/** `colour`: how a colour is written, as itself or as a variable. */
export function chartStyle(colour: (name: ColourName) => string): string {
  return `.chart text { fill: ${colour('text')}; font: 13px system-ui, sans-serif; }
.chart .tick { fill: ${colour('quiet')}; font-size: 12px; }
.chart .grid { stroke: ${colour('line')}; stroke-width: 1; }
.chart .line { fill: none; stroke: currentColor; stroke-width: 2.5; }
.chart .dashed .line { stroke-dasharray: 7 4; }
.chart .band { fill: currentColor; opacity: .14; }
.chart .dot { fill: currentColor; opacity: .4; }
.chart .mean { fill: currentColor; stroke: ${colour('ground')}; stroke-width: 1.5; }
.chart .crossing path { fill: none; stroke: currentColor; stroke-width: 1.5; stroke-dasharray: 2 3; }
.chart .crossing text { fill: currentColor; }
.chart .reference line { stroke: ${colour('quiet')}; stroke-width: 2; stroke-dasharray: 3 4; }
${([0, 1, 2, 3, 4, 5] as const).map((place) => `.colour-${place} { color: ${colour(`c${place}`)}; }`).join('\n')}`;
}

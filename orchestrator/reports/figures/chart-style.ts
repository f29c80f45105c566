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

/** As many as a page has for series; more series begin again, with other dashes. */
const SERIES_COLOURS = ['c0', 'c1', 'c2', 'c3', 'c4', 'c5'] as const satisfies readonly ColourName[];

/** `series`: that of the series which a mark belongs to. */
export type Ink = ColourName | 'series';

export interface Look {
  readonly fill?: Ink;
  readonly stroke?: Ink;
  readonly strokeWidth?: number;
  readonly dashes?: readonly number[];
  readonly opacity?: number;
  /** Of letters. */
  readonly size?: number;
}

const LINE: Look = { stroke: 'series', strokeWidth: 2.5 };

export const LOOKS = {
  axis: { fill: 'text', size: 13 },
  tick: { fill: 'quiet', size: 12 },
  share: { fill: 'series', size: 12 },
  grid: { stroke: 'line', strokeWidth: 1 },
  band: { fill: 'series', opacity: 0.14 },
  bar: { stroke: 'series', strokeWidth: 1.5, opacity: 0.6 },
  line: LINE,
  dashes: { ...LINE, dashes: [7, 4] },
  dot: { fill: 'series', opacity: 0.4 },
  mean: { fill: 'series', stroke: 'ground', strokeWidth: 1.5 },
  crossing: { stroke: 'series', strokeWidth: 1.5, dashes: [2, 3] },
  across: { stroke: 'quiet', strokeWidth: 2, dashes: [3, 4] },
} as const satisfies Readonly<Record<string, Look>>;

export type LookName = keyof typeof LOOKS;

/** As many as can be told apart. */
export const MOST_SERIES = 2 * SERIES_COLOURS.length;

export function colourOf(series: number): ColourName {
  return SERIES_COLOURS[series % SERIES_COLOURS.length] as ColourName;
}

export function lineLookOf(series: number): LookName {
  return series < SERIES_COLOURS.length ? 'line' : 'dashes';
}

/** `colour`: how a colour is written, as itself or as a variable. */
export function chartStyle(colour: (name: ColourName) => string): string {
  const ink = (of: Ink) => (of === 'series' ? 'currentColor' : colour(of));
  return [
    '.chart text { font-family: system-ui, sans-serif; }',
    ...Object.entries(LOOKS).map(([name, look]) => `.chart .${name} { ${declarations(look, ink)} }`),
    ...SERIES_COLOURS.map((name) => `.${name} { color: ${colour(name)}; }`),
  ].join('\n');
}

function declarations({ fill, stroke, strokeWidth, dashes, opacity, size }: Look, ink: (of: Ink) => string): string {
  const all: readonly (readonly [string, string | number | undefined])[] = [
    ['fill', fill === undefined ? 'none' : ink(fill)],
    ['stroke', stroke && ink(stroke)],
    ['stroke-width', strokeWidth],
    ['stroke-dasharray', dashes?.join(' ')],
    ['opacity', opacity],
    ['font-size', size && `${size}px`],
  ];
  return all.flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value};`])).join(' ');
}

/** Curves of a trial that grow while it runs. */
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import type { Curves } from './api.js';

export interface Line {
  readonly label: string;
  /** Of the style sheet: `--c0`. */
  readonly colour: string;
  readonly points: readonly (readonly [number, number | null])[];
  readonly isDotted?: boolean;
}

const HEIGHT = 170;

/** Of several lines with steps of their own: one x axis, gaps where a line has no point. */
function columnsOf(lines: readonly Line[]): uPlot.AlignedData {
  const steps = [...new Set(lines.flatMap(({ points }) => points.map(([step]) => step)))].sort((a, b) => a - b);
  const values = lines.map(({ points }) => {
    const byStep = new Map(points);
    return steps.map((step) => byStep.get(step) ?? null);
  });
  return [steps, ...values];
}

interface CurveProps {
  readonly title: string;
  readonly lines: readonly Line[];
  readonly format: (value: number) => string;
  /** Of its values: what the axis never goes beyond. */
  readonly bounds?: readonly [low: number, high: number];
}

/** Around values that are all the same, as a share of the bounds; uPlot would show a hundred of whatever there is. */
const LEAST_ROOM = 0.02;

function within([least, most]: readonly [number, number]): uPlot.Range.Function {
  return (_, low, high) => {
    // Nothing is there yet.
    if (!Number.isFinite(low)) return [least, most];
    const room = Math.max((most - least) * LEAST_ROOM, (high - low) / 10);
    return [Math.max(least, low - room), Math.min(most, high + room)];
  };
}

export function Curve({ title, lines, format, bounds }: CurveProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const last = lines.map(({ label, points }) => `${label} ${format(points.at(-1)?.[1] ?? Number.NaN)}`).join(', ');
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string) => style.getPropertyValue(name).trim();
    const axis = {
      stroke: colour('--quiet'),
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { show: false },
      font: '12px system-ui',
    };
    const chart = new uPlot(
      {
        width: element.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        cursor: { drag: { x: false, y: false } },
        scales: { x: { time: false }, y: bounds === undefined ? {} : { range: within(bounds) } },
        axes: [
          { ...axis, space: 60, size: 28, label: 'step', labelSize: 18, labelFont: axis.font },
          { ...axis, size: 48, values: (_, splits) => splits.map(format) },
        ],
        series: [
          {},
          ...lines.map(({ label, colour: name, isDotted }) => ({
            label,
            stroke: colour(name),
            width: 2,
            spanGaps: true,
            points: { show: isDotted === true, size: 6 },
          })),
        ],
      },
      columnsOf(lines),
      element,
    );
    plot.current = chart;
    const resized = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: HEIGHT }));
    resized.observe(element);
    return () => {
      resized.disconnect();
      chart.destroy();
    };
  }, [lines.length]);
  useEffect(() => plot.current?.setData(columnsOf(lines)), [lines]);
  return (
    <figure>
      <figcaption>
        {title}
        <span class="keys">
          {lines.map(({ label, colour }) => (
            <span key={label} class={`key ${colour.slice(2)}`}>
              {label}
            </span>
          ))}
        </span>
      </figcaption>
      <div ref={place} class="curve" role="img" aria-label={`${title}; newest: ${last}`} />
    </figure>
  );
}

export function linesOf({ training, evaluations }: Curves): {
  readonly loss: readonly Line[];
  readonly accuracy: readonly Line[];
} {
  const of = (split: string) => evaluations.filter((each) => each.split === split);
  const lineOf = (label: string, colour: string, points: Line['points'], isDotted = false): readonly Line[] =>
    points.length === 0 ? [] : [{ label, colour, points, isDotted }];
  return {
    loss: [
      ...lineOf(
        'training',
        '--c0',
        training.map(({ step, loss }) => [step, loss] as const),
      ),
      ...lineOf(
        'validation',
        '--c1',
        of('valid').map(({ step, loss }) => [step, loss] as const),
        true,
      ),
    ],
    accuracy: [
      ...lineOf(
        'validation',
        '--c1',
        of('valid').map(({ step, accuracy }) => [step, accuracy] as const),
        true,
      ),
      ...lineOf(
        'test',
        '--c2',
        of('test').map(({ step, accuracy }) => [step, accuracy] as const),
        true,
      ),
    ],
  };
}

/** Seeds as dots: one path for each look that a dot can have, so that a thousand cells stay light. */
import { type Board, CANCELLED, type CellSum, FAILED, QUEUED, RUNNING, SUCCEEDED } from './board.js';

export type Colouring = 'accuracy' | 'state';

export const STEP = 13;
const PER_LINE = 10;
/** More are drawn as shares of a bar. */
export const MAX_DOTS = 40;
const RADIUS = 4.25;
/** Shades of the accuracy scale, in the style sheet. */
const SHADES = 7;

export function dotLines(trials: number): number {
  return trials > MAX_DOTS ? 1 : Math.max(1, Math.ceil(trials / PER_LINE));
}

export function dotColumns(trials: number): number {
  return Math.min(PER_LINE, Math.max(1, trials));
}

export type Range = readonly [number, number] | null;

export function shadeOf(accuracy: number, range: Range): number {
  if (range === null) return SHADES - 1;
  const share = (accuracy - range[0]) / (range[1] - range[0]);
  return Math.max(0, Math.min(SHADES - 1, Math.floor(share * SHADES)));
}

function circle(x: number, y: number, r: number): string {
  return `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`;
}

function mark(state: number, x: number, y: number): string {
  const r = RADIUS;
  if (state === FAILED)
    return `M${x - r + 1} ${y - r + 1}l${2 * r - 2} ${2 * r - 2}m0 ${2 - 2 * r}l${2 - 2 * r} ${2 * r - 2}`;
  if (state === CANCELLED) return `M${x - r + 0.5} ${y}h${2 * r - 1}`;
  if (state === RUNNING) return circle(x, y, r - 0.75) + circle(x, y, 1.1);
  return circle(x, y, state === QUEUED ? r - 1.25 : r);
}

const STATE_CLASSES: readonly string[] = ['queued', 'running', 'succeeded', 'failed', 'cancelled'];

export function Dots({
  board,
  sum,
  range,
  colouring,
}: {
  board: Board;
  sum: CellSum;
  range: Range;
  colouring: Colouring;
}) {
  const { trials } = sum;
  if (trials.length > MAX_DOTS) return <Bar sum={sum} />;
  const paths = new Map<string, string>();
  for (const [index, place] of trials.entries()) {
    const state = board.states[place] ?? QUEUED;
    const isShaded = state === SUCCEEDED && colouring === 'accuracy';
    const look = isShaded ? `shade${shadeOf(board.accuracies[place] ?? 0, range)}` : (STATE_CLASSES[state] ?? '');
    const [x, y] = [(index % PER_LINE) * STEP + STEP / 2, Math.floor(index / PER_LINE) * STEP + STEP / 2];
    paths.set(look, (paths.get(look) ?? '') + mark(state, x, y));
  }
  const [width, height] = [dotColumns(trials.length) * STEP, dotLines(trials.length) * STEP];
  return (
    <svg class="dots" width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
      {[...paths].map(([look, path]) => (
        <path key={look} class={`dot ${look}`} d={path} />
      ))}
    </svg>
  );
}

const BAR = PER_LINE * STEP;

function Bar({ sum }: { sum: CellSum }) {
  let left = 0;
  return (
    <svg class="dots" width={BAR} height={STEP} viewBox={`0 0 ${BAR} ${STEP}`} aria-hidden="true">
      {[SUCCEEDED, RUNNING, FAILED, CANCELLED, QUEUED].map((state) => {
        const width = ((sum.counts[state] ?? 0) / sum.trials.length) * BAR;
        const x = left;
        left += width;
        return width === 0 ? null : (
          <rect key={state} class={`bar ${STATE_CLASSES[state]}`} x={x} y={3} width={width} height={7} />
        );
      })}
    </svg>
  );
}

/** One dot, for legends and lists. */
export function Dot({ state, shade = null }: { state: number; shade?: number | null }) {
  const look = shade === null ? STATE_CLASSES[state] : `shade${shade}`;
  return (
    <svg class="dots" width={STEP} height={STEP} viewBox={`0 0 ${STEP} ${STEP}`} aria-hidden="true">
      <path class={`dot ${look}`} d={mark(state, STEP / 2, STEP / 2)} />
    </svg>
  );
}

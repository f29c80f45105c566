/** Two cells, seed by seed, with the interval of their difference and a test. */
import { useEffect, useState } from 'preact/hooks';
import { type ApiError, type CellInfo, type ComparedCell, type Comparison, read } from './api.js';
import type { Board } from './board.js';
import { keepAsking } from './keep-asking.js';
import { Panel, PanelTrouble } from './panel.js';
import { counted, modelName, percent, signed, sizeName } from './words.js';

const TESTS: Readonly<Record<string, string>> = {
  flips: 'exact sign-flip test over seeds',
  t: 'paired t test over seeds',
  rows: "McNemar's test over test rows",
  'row-flips': 'sign-flip test over test rows',
};

export interface ComparePanelProps {
  readonly board: Board;
  readonly version: number;
  readonly sweep: string;
  readonly first: string;
  readonly second: string;
  readonly tokenVersion: number;
  readonly onSwap: () => void;
  readonly onClose: () => void;
}

export function ComparePanel({ board, sweep, first, second, tokenVersion, onSwap, onClose }: ComparePanelProps) {
  const cells = [first, second].map((each) => board.cells.findIndex(({ key }) => key === each));
  const done = cells.reduce((sum, index) => sum + (board.sums[index]?.n ?? 0), 0);
  const [answer, setAnswer] = useState<Comparison | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  useEffect(() => {
    const look = async (signal: AbortSignal) => {
      setAnswer(await read<Comparison>(`/sweeps/${sweep}/comparison?first=${first}&second=${second}`, signal));
      return null;
    };
    return keepAsking(look, setError);
  }, [sweep, first, second, done, tokenVersion]);
  const [a, b] = cells.map((index) => board.cells[index]);
  if (a === undefined || b === undefined) return null;
  return (
    <Panel title="Comparison" onClose={onClose}>
      <p class="quiet small">{sharedBy(a, b)}</p>
      {error === null ? null : <PanelTrouble error={error} isEmpty={answer === null} />}
      {answer === null ? null : (
        <>
          <Strip answer={answer} names={namesOf(a, b)} />
          <Verdict answer={answer} />
          <table>
            <caption>Second minus first, by seed</caption>
            <thead>
              <tr>
                <th scope="col">seed</th>
                <th scope="col" class="number">
                  first %
                </th>
                <th scope="col" class="number">
                  second %
                </th>
                <th scope="col" class="number">
                  points
                </th>
              </tr>
            </thead>
            <tbody>
              {answer.pairs.map(({ seed, difference }) => (
                <tr key={seed}>
                  <td>{seed}</td>
                  <td class="number">{percent(accuracyOf(answer.first, seed), 2)}</td>
                  <td class="number">{percent(accuracyOf(answer.second, seed), 2)}</td>
                  <td class="number">{signed(difference)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </>
      )}
      <button type="button" onClick={onSwap}>
        Swap first and second
      </button>
    </Panel>
  );
}

function Verdict({ answer }: { answer: Comparison }) {
  const { difference, interval, test, untested } = answer;
  return (
    <div class="verdict" role="status">
      {difference.mean === null ? null : (
        <p>
          <span class="big">{signed(difference.mean)}</span> points over {counted(difference.n, 'pair')}
        </p>
      )}
      {interval === null ? null : (
        <p>
          95 % interval {signed(interval.low)} to {signed(interval.high)}
        </p>
      )}
      <p>
        {test === null
          ? `Not tested: ${untested}.`
          : `p = ${test.p < 0.001 ? test.p.toExponential(1) : test.p.toFixed(3)} by the ${TESTS[test.name] ?? test.name}`}
      </p>
      <p class="quiet small">
        Picked by hand, and looked at while it fills up: such a p is smaller than it should be. The report corrects for
        all comparisons, and what the sweep file declares under <code>compare</code> counts.
      </p>
    </div>
  );
}

const WIDTH = 360;
const [LEFT, RIGHT] = [14, 14];

/** Where all are the same there is a scale around it. */
const LEAST_ROOM = 0.005;

function scaleOf(values: readonly number[]): readonly [low: number, high: number] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return low === high ? [Math.max(0, low - LEAST_ROOM), Math.min(1, high + LEAST_ROOM)] : [low, high];
}

/** Each seed as a dot on one scale of accuracy, with mean and interval. */
function Strip({ answer, names }: { answer: Comparison; names: readonly string[] }) {
  const values = [answer.first, answer.second].flatMap(({ seeds, interval }) => [
    ...seeds.map(({ accuracy }) => accuracy),
    ...(interval === null ? [] : [Math.max(0, interval.low), Math.min(1, interval.high)]),
  ]);
  const [low, high] = scaleOf(values);
  const x = (value: number) => LEFT + ((value - low) / Math.max(1e-9, high - low)) * (WIDTH - LEFT - RIGHT);
  const clamp = (value: number) => Math.max(low, Math.min(high, value));
  return (
    <svg
      class="strip"
      viewBox={`0 0 ${WIDTH} 150`}
      role="img"
      aria-label={`${names[0]} and ${names[1]}, seeds on a scale from ${percent(low)} to ${percent(high)} percent`}
    >
      {[answer.first, answer.second].map(({ seeds, interval, accuracy }, index) => {
        const y = 34 + index * 62;
        return (
          <g key={index} class={`strip-${index}`}>
            <text x={LEFT - 4} y={y - 14}>
              {names[index]}
            </text>
            <line class="rule" x1={LEFT} x2={WIDTH - RIGHT} y1={y} y2={y} />
            {interval === null ? null : (
              <rect
                class="interval"
                x={x(clamp(interval.low))}
                width={Math.max(1, x(clamp(interval.high)) - x(clamp(interval.low)))}
                y={y - 7}
                height={14}
                rx={3}
              />
            )}
            {seeds.map(({ seed, accuracy: value }) => (
              <circle key={seed} cx={x(value)} cy={y} r={4.5} />
            ))}
            {accuracy.mean === null ? null : (
              <line class="mean" x1={x(accuracy.mean)} x2={x(accuracy.mean)} y1={y - 11} y2={y + 11} />
            )}
          </g>
        );
      })}
      {values.length === 0 ? null : (
        <>
          <text class="scale" x={LEFT} y={140}>
            {percent(low)} %
          </text>
          <text class="scale end" x={WIDTH - RIGHT} y={140}>
            {percent(high)} %
          </text>
        </>
      )}
    </svg>
  );
}

function accuracyOf({ seeds }: ComparedCell, seed: number): number | null {
  return seeds.find((each) => each.seed === seed)?.accuracy ?? null;
}

const PARTS = ['row', 'group', 'method', 'size'] as const;

/** Only what tells them apart. */
function namesOf(a: CellInfo, b: CellInfo): readonly string[] {
  const parts = PARTS.filter((part) => a[part] !== b[part]);
  const kept = parts.length === 0 ? (['method'] as const) : parts;
  const nameOf = (cell: CellInfo) => kept.map((part) => partName(cell, part)).join(' · ');
  return [`First: ${nameOf(a)}`, `Second: ${nameOf(b)}`];
}

/** The rest, which both of them are. */
function sharedBy(a: CellInfo, b: CellInfo): string {
  const parts = PARTS.filter((part) => a[part] === b[part]);
  return parts.map((part) => partName(a, part)).join(' · ');
}

function partName(cell: CellInfo, part: (typeof PARTS)[number]): string {
  if (part === 'row') return modelName(cell.row);
  return part === 'size' ? sizeName(cell.size) : cell[part];
}

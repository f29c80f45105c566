/** Every trial, one a line; only the lines in sight exist. */
import { useMemo } from 'preact/hooks';
import { type Board, SUCCEEDED } from './board.js';
import { Dot, type Range, shadeOf } from './dots.js';
import { follow } from './location.js';
import { useWindow } from './use-window.js';
import { counted, duration, modelName, percent, short } from './words.js';

const LINE = 40;

export interface TrialListProps {
  readonly board: Board;
  readonly version: number;
  readonly range: Range;
  readonly search: string;
  /** -1: all. */
  readonly state: number;
  readonly linkTo: (trialId: string) => string;
  readonly picked: string;
}

function matching(board: Board, search: string, state: number): readonly number[] {
  const words = search
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  const texts = board.cells.map(({ row, group, method, size }) => `${row} ${group} ${method} ${size}`.toLowerCase());
  const isId = words.length === 1 && /^[0-9a-f]{4,20}$/.test(words[0] ?? '');
  const inCell = texts.map((text) => words.every((word) => text.includes(word) || /^seed:\d+$/.test(word)));
  const seeds = words.flatMap((word) => (/^seed:\d+$/.test(word) ? [Number(word.slice(5))] : []));
  const found: number[] = [];
  for (let place = 0; place < board.size; place += 1) {
    if (state >= 0 && board.states[place] !== state) continue;
    const isHit = inCell[board.cellOf[place] ?? 0] === true && seeds.every((seed) => board.seeds[place] === seed);
    if (isHit || (isId && board.id(place).startsWith(words[0] ?? ''))) found.push(place);
  }
  return found;
}

export function TrialList({ board, version, range, search, state, linkTo, picked }: TrialListProps) {
  // With a state asked for, each change may move trials in or out.
  const found = useMemo(() => matching(board, search, state), [board, search, state, state < 0 ? 0 : version]);
  const { box, top, bottom } = useWindow();
  const first = Math.max(0, Math.floor(top / LINE));
  const seen = found.slice(first, Math.ceil(bottom / LINE));
  return (
    <div class="trials">
      <p class="quiet small" role="status">
        {counted(found.length, 'trial')}
      </p>
      <div ref={box} class="trial-box" role="list" aria-label="Trials">
        <div style={{ height: `${found.length * LINE}px` }} class="trial-rows">
          {seen.map((place, index) => {
            const cell = board.cell(place);
            const accuracy = board.accuracies[place] ?? Number.NaN;
            const trialState = board.states[place] ?? 0;
            const seconds = board.seconds[place] ?? Number.NaN;
            const trialId = board.id(place);
            return (
              <div role="listitem" key={place} class="trial-item" style={{ top: `${(first + index) * LINE}px` }}>
                <a class={`trial-line ${picked === trialId ? 'picked' : ''}`} href={linkTo(trialId)} onClick={follow}>
                  <Dot state={trialState} shade={trialState === SUCCEEDED ? shadeOf(accuracy, range) : null} />
                  <code>{short(trialId)}</code>
                  <span class="what">
                    {modelName(cell.row)} <span class="quiet">{`${cell.group} · ${cell.method} · ${cell.size}`}</span>
                  </span>
                  <span class="seed quiet">seed {board.seeds[place]}</span>
                  <span class="number">{percent(Number.isNaN(accuracy) ? null : accuracy)}</span>
                  <span class="number quiet time">{Number.isNaN(seconds) ? '' : duration(seconds)}</span>
                </a>
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}

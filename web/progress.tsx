/** How far the sweep is, in one line and one bar; each state filters what is below. */
import { type ApiError, STATES, type SweepInfo } from './api.js';
import type { Board } from './board.js';
import { Dot } from './dots.js';
import { counted, duration } from './words.js';

const WORDS = ['waiting', 'running', 'done', 'failed', 'cancelled'];
/** As they pile up. */
const ORDER = [2, 1, 3, 4, 0];

export function standingWord({ state, counts }: SweepInfo): string {
  if (state !== 'active') return state;
  if (counts.running > 0) return 'running';
  if (counts.queued > 0) return 'waiting';
  return counts.failed + counts.cancelled > 0 ? 'ended' : 'complete';
}

export function Bar({ counts, total }: { counts: readonly number[]; total: number }) {
  let left = 0;
  const label = WORDS.flatMap((word, state) => ((counts[state] ?? 0) > 0 ? [`${counts[state]} ${word}`] : [])).join(
    ', ',
  );
  return (
    <svg class="progress" viewBox="0 0 1000 10" preserveAspectRatio="none" role="img" aria-label={label}>
      <rect class="bar queued" x="0" y="0" width="1000" height="10" />
      {ORDER.slice(0, 4).map((state) => {
        const width = total === 0 ? 0 : ((counts[state] ?? 0) / total) * 1000;
        const x = left;
        left += width;
        return width === 0 ? null : (
          <rect key={state} class={`bar ${STATES[state]}`} x={x} y="0" width={width} height="10" />
        );
      })}
    </svg>
  );
}

export function Progress({ board, state, onState }: { board: Board; state: number; onState: (state: number) => void }) {
  const { counts, size } = board;
  const done = counts[2] ?? 0;
  const left = board.secondsLeft();
  return (
    <section class="standing" aria-label="Progress">
      <p class="headline">
        <b>{percentDone(done, size)} %</b>
        <span class="quiet">
          {done.toLocaleString('en')} of {counted(size, 'trial')} done
          {left === null ? '' : ` · about ${duration(left)} left`}
        </span>
      </p>
      <Bar counts={counts} total={size} />
      <div class="chips" role="group" aria-label="Show only">
        {ORDER.map((each) =>
          (counts[each] ?? 0) === 0 && state !== each ? null : (
            <button
              type="button"
              key={each}
              class="chip"
              aria-pressed={state === each}
              onClick={() => onState(state === each ? -1 : each)}
            >
              <Dot state={each} />
              <span>{(counts[each] ?? 0).toLocaleString('en')}</span> {WORDS[each]}
            </button>
          ),
        )}
      </div>
    </section>
  );
}

export function Trouble({ error }: { error: ApiError }) {
  return (
    <p class="trouble" role="alert">
      <b>{error.message}</b> {error.hint}
    </p>
  );
}

/** Not 100 before all are done. */
function percentDone(done: number, size: number): number {
  if (size === 0) return 0;
  return done < size ? Math.min(99, Math.round((done / size) * 100)) : 100;
}

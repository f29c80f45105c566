/** A sweep at a glance. */
import { useMemo, useState } from 'preact/hooks';
import { Actions } from './actions.js';
import { type CellInfo, type Info, STATES, type StateName } from './api.js';
import type { CellSum } from './board.js';
import { CellPanel } from './cell-panel.js';
import { ComparePanel } from './compare-panel.js';
import type { Colouring } from './dots.js';
import { Failures } from './failures.js';
import { follow, type Query, setQuery } from './location.js';
import { Matrix } from './matrix.js';
import { Progress, standingWord, Trouble } from './progress.js';
import { TrialList } from './trial-list.js';
import { TrialPanel } from './trial-panel.js';
import { useBoard } from './use-board.js';
import { Workers } from './workers.js';

interface SweepPageProps {
  readonly sweep: string;
  readonly query: Query;
  readonly info: Info | null;
  readonly tokenVersion: number;
  readonly onToken: () => void;
}

export function SweepPage({ sweep, query, info, tokenVersion, onToken }: SweepPageProps) {
  const { board, version, error, isConnected } = useBoard(sweep, tokenVersion);
  const [isPicking, setPicking] = useState(false);
  const range = useMemo(() => board?.range() ?? null, [board, version]);
  const {
    q = '',
    view = 'matrix',
    colour = 'accuracy',
    state: stateName = '',
    trial = '',
    cell = '',
    with: other = '',
  } = query;
  const state = STATES.indexOf(stateName as StateName);
  const linkTo = (trialId: string) => {
    const next = new URLSearchParams({ ...query, trial: trialId });
    return `/sweeps/${sweep}?${next}`;
  };
  const isWanted = ({ row, group, method, size }: CellInfo, sum: CellSum) => {
    if (state >= 0 && (sum.counts[state] ?? 0) === 0) return false;
    const text = `${row} ${group} ${method} ${size}`.toLowerCase();
    return q
      .toLowerCase()
      .split(/\s+/)
      .every((word) => text.includes(word));
  };
  const pick = (key: string) => {
    if (isPicking && cell !== '' && key !== cell) setQuery({ with: key });
    else setQuery({ cell: key, with: '', trial: '' });
    setPicking(false);
  };
  const close = () => {
    setPicking(false);
    if (trial !== '') setQuery({ trial: '' });
    else if (other !== '') setQuery({ with: '' });
    else setQuery({ cell: '' });
  };
  return (
    <>
      <div class="title">
        <p class="trail">
          <a href="/" onClick={follow}>
            All sweeps
          </a>
        </p>
        <h1>
          {sweep}{' '}
          {board === null ? null : <span class={`pill ${standingWord(board.sweep)}`}>{standingWord(board.sweep)}</span>}
          {board !== null && !isConnected ? <span class="pill cut">not connected</span> : null}
        </h1>
        {board === null ? null : <Actions sweep={board.sweep} info={info} onToken={onToken} />}
      </div>
      {error === null ? null : <Trouble error={error} />}
      {board === null && error === null ? (
        <p class="quiet" role="status">
          Reading the sweep …
        </p>
      ) : null}
      {board === null ? null : (
        <>
          {board.sweep.reason === '' ? null : <p class="quiet">Paused: {board.sweep.reason}</p>}
          <Progress
            board={board}
            state={state}
            onState={(next) => setQuery({ state: next < 0 ? '' : (STATES[next] ?? '') }, false)}
          />
          <Failures board={board} version={version} linkTo={linkTo} />
          <div class={`columns ${trial !== '' || cell !== '' ? 'with-panel' : ''}`}>
            <main id="main">
              <div class="tools">
                <div class="switch" role="group" aria-label="View">
                  {(['matrix', 'trials'] as const).map((each) => (
                    <button
                      type="button"
                      key={each}
                      aria-pressed={view === each}
                      onClick={() => setQuery({ view: each === 'matrix' ? '' : each })}
                    >
                      {each === 'matrix' ? 'Matrix' : 'Trials'}
                    </button>
                  ))}
                </div>
                <label class="search">
                  <span class="hidden">Filter</span>
                  <input
                    type="search"
                    placeholder={
                      view === 'trials' ? 'Filter: model, method, seed:3, id' : 'Filter: model, dataset, method'
                    }
                    value={q}
                    onInput={(event) => setQuery({ q: event.currentTarget.value }, false)}
                  />
                </label>
                {view === 'matrix' ? <Legend colouring={colour as Colouring} range={range} /> : null}
              </div>
              {view === 'trials' ? null : (
                <p class="explained">
                  Each dot is a seed. Below: mean test accuracy ± standard deviation over seeds, in %. 3/5: so many
                  seeds have a result.{environmentsNote(board.environments)}
                </p>
              )}
              {isPicking ? (
                <p class="picking" role="status">
                  Pick the cell to compare with.
                </p>
              ) : null}
              {view === 'trials' ? (
                <TrialList
                  board={board}
                  version={version}
                  range={range}
                  search={q}
                  state={state}
                  linkTo={linkTo}
                  picked={trial}
                />
              ) : (
                <Matrix
                  board={board}
                  version={version}
                  colouring={colour === 'state' ? 'state' : 'accuracy'}
                  range={range}
                  picked={[cell, other].filter((key) => key !== '')}
                  isWanted={isWanted}
                  wish={`${q}\n${state}\n${state < 0 ? 0 : board.counts[state]}`}
                  onPick={pick}
                />
              )}
            </main>
            {trial !== '' ? (
              <TrialPanel key={trial} board={board} trialId={trial} tokenVersion={tokenVersion} onClose={close} />
            ) : cell !== '' && other !== '' ? (
              <ComparePanel
                board={board}
                version={version}
                sweep={sweep}
                first={cell}
                second={other}
                tokenVersion={tokenVersion}
                onSwap={() => setQuery({ cell: other, with: cell })}
                onClose={close}
              />
            ) : cell !== '' ? (
              <CellPanel
                key={cell}
                board={board}
                version={version}
                range={range}
                cellKey={cell}
                isPicking={isPicking}
                linkTo={linkTo}
                onCompare={() => setPicking(!isPicking)}
                onClose={close}
              />
            ) : (
              <Workers board={board} version={version} linkTo={linkTo} />
            )}
          </div>
        </>
      )}
    </>
  );
}

const MOST_NAMED = 4;

/** Empty where all results compare. */
function environmentsNote(environments: readonly string[]): string {
  if (environments.length < 2) return '';
  const named = environments.slice(0, MOST_NAMED).join('; ');
  const all = environments.length > MOST_NAMED ? `${named}; …` : named;
  return ` Results ran on ${environments.length} environments (${all}), and no mean is over two of them: open a cell that says so to see each one's mean.`;
}

function Legend({ colouring, range }: { colouring: Colouring; range: readonly [number, number] | null }) {
  return (
    <div class="legend">
      {colouring === 'accuracy' && range !== null ? (
        <span
          class="scale"
          role="img"
          aria-label={`shades of accuracy, from ${(range[0] * 100).toFixed(1)} to ${(range[1] * 100).toFixed(1)} percent`}
        >
          <span>{(range[0] * 100).toFixed(0)}</span>
          {[0, 1, 2, 3, 4, 5, 6].map((shade) => (
            <i key={shade} class={`shade${shade}`} />
          ))}
          <span>{(range[1] * 100).toFixed(0)} %</span>
        </span>
      ) : null}
      <label>
        Colour by{' '}
        <select
          value={colouring}
          onChange={(event) => setQuery({ colour: event.currentTarget.value === 'state' ? 'state' : '' }, false)}
        >
          <option value="accuracy">accuracy</option>
          <option value="state">state</option>
        </select>
      </label>
    </div>
  );
}

/** A cell with its seeds. */
import type { CellInfo } from './api.js';
import { type Board, deviationOf, meanOf, SUCCEEDED } from './board.js';
import { Dot, type Range, shadeOf } from './dots.js';
import { follow } from './location.js';
import { Panel } from './panel.js';
import { Values } from './trial-panel.js';
import { counted, modelName, percent, short, sizeName } from './words.js';

export interface CellPanelProps {
  readonly board: Board;
  readonly version: number;
  readonly range: Range;
  readonly cellKey: string;
  readonly isPicking: boolean;
  readonly linkTo: (trialId: string) => string;
  readonly onCompare: () => void;
  readonly onClose: () => void;
}

export function CellPanel({ board, range, cellKey, isPicking, linkTo, onCompare, onClose }: CellPanelProps) {
  const index = board.cells.findIndex(({ key }) => key === cellKey);
  const [cell, sum] = [board.cells[index], board.sums[index]];
  if (cell === undefined || sum === undefined) return null;
  const [mean, deviation] = [meanOf(sum), deviationOf(sum)];
  return (
    <Panel title={modelName(cell.row)} onClose={onClose}>
      <p class="quiet small">{placeOf(cell)}</p>
      <p class="trial-state">
        <span class="big">
          {percent(mean, 2)} {deviation === null ? null : <small>± {percent(deviation, 2)}</small>} <small>%</small>
        </span>
        <span class="quiet small">{mean === null ? 'no result yet' : `mean over ${counted(sum.n, 'seed')}`}</span>
      </p>
      <button type="button" class="primary" aria-pressed={isPicking} onClick={onCompare}>
        {isPicking ? 'Now pick the other cell …' : 'Compare with another cell'}
      </button>
      <h3>Seeds</h3>
      <ul class="seeds">
        {sum.trials.slice(0, 200).map((place) => {
          const accuracy = board.accuracies[place] ?? Number.NaN;
          const state = board.states[place] ?? 0;
          return (
            <li key={place}>
              <a href={linkTo(board.id(place))} onClick={follow}>
                <Dot state={state} shade={state === SUCCEEDED ? shadeOf(accuracy, range) : null} />
                <span>seed {board.seeds[place]}</span>
                <code class="quiet">{short(board.id(place))}</code>
                <span class="number">{percent(Number.isNaN(accuracy) ? null : accuracy, 2)}</span>
              </a>
            </li>
          );
        })}
      </ul>
      <Values title="Settings" values={{ ...cell.settings, ...board.common }} />
    </Panel>
  );
}

/** Where it stands, beside its model. */
function placeOf({ group, method, size }: CellInfo): string {
  return `${group} · ${method} · ${sizeName(size)}`;
}

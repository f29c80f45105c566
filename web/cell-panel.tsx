/** A cell with its seeds. */
import type { CellInfo } from './api.js';
import { type Board, type CellSum, deviationOf, meanOf, pooledOf, SUCCEEDED } from './board.js';
import { Dot, type Range, shadeOf } from './dots.js';
import { follow } from './location.js';
import { Panel } from './panel.js';
import { Values } from './trial-panel.js';
import { counted, environmentName, modelName, percent, short, sizeName, spread } from './words.js';

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
  const isApart = sum.byEnvironment.size > 1;
  return (
    <Panel title={modelName(cell.row)} onClose={onClose}>
      <p class="quiet small">{placeOf(cell)}</p>
      {isApart ? <MeansApart sum={sum} environments={board.environments} /> : <Mean sum={sum} />}
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
                <span>
                  seed {board.seeds[place]}{' '}
                  {isApart && state === SUCCEEDED ? (
                    <span class="quiet small">
                      {environmentName(board.environments, board.environmentOf[place] ?? 0)}
                    </span>
                  ) : null}
                </span>
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

function Mean({ sum }: { readonly sum: CellSum }) {
  const pooled = pooledOf(sum);
  const deviation = pooled === null ? null : deviationOf(pooled);
  return (
    <p class="trial-state">
      <span class="big">
        {percent(pooled === null ? null : meanOf(pooled), 2)}{' '}
        {deviation === null ? null : <small>± {percent(deviation, 2)}</small>} <small>%</small>
      </span>
      <span class="quiet small">{pooled === null ? 'no result yet' : `mean over ${counted(pooled.n, 'seed')}`}</span>
    </p>
  );
}

/** A mean for each of what its seeds ran on, since none is over two of them. */
function MeansApart({ sum, environments }: { readonly sum: CellSum; readonly environments: readonly string[] }) {
  return (
    <table>
      <caption>{counted(sum.byEnvironment.size, 'environment')}: no mean is over two of them</caption>
      <thead>
        <tr>
          <th scope="col">environment</th>
          <th scope="col" class="number">
            seeds
          </th>
          <th scope="col" class="number">
            accuracy %
          </th>
        </tr>
      </thead>
      <tbody>
        {[...sum.byEnvironment].map(([place, part]) => (
          <tr key={place}>
            <td>{environmentName(environments, place)}</td>
            <td class="number">{part.n}</td>
            <td class="number">{spread(meanOf(part), deviationOf(part), 2)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Where it stands, beside its model. */
function placeOf({ group, method, size }: CellInfo): string {
  return `${group} · ${method} · ${sizeName(size)}`;
}

/** A cell of the matrix: its seeds as dots, and below them their mean where they make one. */
import { Component } from 'preact';
import type { CellInfo } from './api.js';
import { type Board, type CellSum, deviationOf, meanOf, pooledOf, SUCCEEDED } from './board.js';
import { type Colouring, Dots, type Range } from './dots.js';
import { counted, environmentName, percent } from './words.js';

interface MatrixCellProps {
  readonly board: Board;
  readonly cell: number;
  readonly version: number;
  readonly environments: readonly string[];
  readonly range: Range;
  readonly colouring: Colouring;
  readonly look: string;
  readonly id: string;
  /** Of the grid, from 1. */
  readonly column: number;
}

/** Drawn again only when something in it has changed. */
export class MatrixCell extends Component<MatrixCellProps> {
  override shouldComponentUpdate(next: MatrixCellProps): boolean {
    const { version, environments, range, colouring, look, cell, board } = this.props;
    return (
      next.version !== version ||
      next.environments !== environments ||
      next.colouring !== colouring ||
      next.look !== look ||
      next.cell !== cell ||
      next.board !== board ||
      (next.range !== range && (next.range?.[0] !== range?.[0] || next.range?.[1] !== range?.[1]))
    );
  }

  override render({ board, cell, environments, range, colouring, look, id, column }: MatrixCellProps) {
    const sum = board.sums[cell] as CellSum;
    const info = board.cells[cell] as CellInfo;
    const done = sum.counts[SUCCEEDED] ?? 0;
    return (
      <div
        id={id}
        role="gridcell"
        class={`cell ${look}`}
        data-key={info.key}
        style={{ gridColumn: column }}
        aria-colindex={column}
        aria-label={labelOf(info, sum, environments)}
        aria-selected={look.includes('picked')}
      >
        <Dots board={board} sum={sum} range={range} colouring={colouring} />
        <div class="figure">
          {sum.n === 0 ? (
            <span class="none">{`${done}/${sum.trials.length}`}</span>
          ) : (
            <>
              <Figure sum={sum} />
              {done < sum.trials.length ? <span class="part">{`${done}/${sum.trials.length}`}</span> : null}
            </>
          )}
        </div>
      </div>
    );
  }
}

function Figure({ sum }: { readonly sum: CellSum }) {
  const pooled = pooledOf(sum);
  if (pooled === null) return <span class="none">{counted(sum.byEnvironment.size, 'environment')}</span>;
  const deviation = deviationOf(pooled);
  return (
    <>
      <b>{percent(meanOf(pooled))}</b>
      {deviation === null ? null : <span class="quiet"> ± {percent(deviation)}</span>}
    </>
  );
}

function labelOf({ row, group, method, size }: CellInfo, sum: CellSum, environments: readonly string[]): string {
  const names = ['waiting', 'running', 'succeeded', 'failed', 'cancelled'];
  const states = names.flatMap((name, state) =>
    (sum.counts[state] ?? 0) === 0 ? [] : [`${sum.counts[state]} ${name}`],
  );
  const isApart = sum.byEnvironment.size > 1;
  const means = [...sum.byEnvironment].map(
    ([place, part]) =>
      `mean accuracy ${percent(meanOf(part))} percent${isApart ? ` on ${environmentName(environments, place)}` : ''}`,
  );
  const result = sum.n === 0 ? 'no result yet' : means.join(', ');
  return `${row}, ${group}, ${method}, size ${size}: ${result}; ${states.join(', ')}`;
}

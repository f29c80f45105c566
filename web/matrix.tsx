/** Models down, methods and training-set sizes across, seeds as dots. Only what is in sight exists. */
import { useMemo, useState } from 'preact/hooks';
import type { CellInfo } from './api.js';
import type { Board, CellSum } from './board.js';
import { type Colouring, dotColumns, dotLines, MAX_DOTS, type Range, STEP } from './dots.js';
import { MatrixCell } from './matrix-cell.js';
import { bringIntoView, useWindow } from './use-window.js';
import { modelName, sizeName } from './words.js';

interface Column {
  readonly method: string;
  readonly size: string;
}

type Line =
  | { readonly kind: 'group'; readonly name: string; readonly top: number }
  | { readonly kind: 'row'; readonly name: string; readonly cells: readonly (number | null)[]; readonly top: number };

interface Layout {
  readonly columns: readonly Column[];
  readonly methods: readonly { readonly method: string; readonly sizes: number; readonly words: readonly string[] }[];
  readonly lines: readonly Line[];
  readonly height: number;
  readonly headHeight: number;
  readonly rowHeight: number;
  readonly columnWidth: number;
}

const GROUP_HEIGHT = 38;
const ROW_PADDING = 34;
const HEAD_HEIGHT = 58;
const HEAD_LINE = 18;
/** On average of what stands in the head, and what is beside it there. */
const [SIGN_WIDTH, HEAD_PADDING] = [7.5, 24];

/** As few lines as hold its parts whole: what tells two methods apart is often at the end. */
function linesOf(method: string, width: number): readonly string[] {
  const most = (width - HEAD_PADDING) / SIGN_WIDTH;
  const lines: string[] = [];
  for (const part of method.split(' · ')) {
    const longer = `${lines.at(-1)} · ${part}`;
    if (lines.length > 0 && longer.length <= most) lines[lines.length - 1] = longer;
    else lines.push(part);
  }
  return lines;
}

function layoutOf(board: Board, isWanted: (cell: CellInfo, sum: CellSum) => boolean): Layout {
  const columns = new Map<string, Column>();
  const groups = new Map<string, Map<string, Map<string, number>>>();
  let most = 1;
  for (const [index, cell] of board.cells.entries()) {
    const sum = board.sums[index] as CellSum;
    const column = `${cell.method}\n${cell.size}`;
    columns.set(column, cell);
    if (!isWanted(cell, sum)) continue;
    most = Math.max(most, sum.trials.length);
    const rows = groups.get(cell.group) ?? new Map<string, Map<string, number>>();
    const row = rows.get(cell.row) ?? new Map<string, number>();
    groups.set(cell.group, rows.set(cell.row, row.set(column, index)));
  }
  const methodOrder = [...new Set([...columns.values()].map(({ method }) => method))];
  const sorted = [...columns].sort(
    ([, a], [, b]) => methodOrder.indexOf(a.method) - methodOrder.indexOf(b.method) || Number(a.size) - Number(b.size),
  );
  const rowHeight = dotLines(most) * STEP + ROW_PADDING;
  const lines: Line[] = [];
  let top = 0;
  for (const [group, rows] of groups) {
    lines.push({ kind: 'group', name: group, top });
    top += GROUP_HEIGHT;
    for (const [name, cells] of rows) {
      lines.push({ kind: 'row', name, top, cells: sorted.map(([key]) => cells.get(key) ?? null) });
      top += rowHeight;
    }
  }
  const columnWidth = Math.max(122, (most > MAX_DOTS ? 10 : dotColumns(most)) * STEP + 26);
  const methods = methodOrder.map((method) => {
    const sizes = sorted.filter(([, column]) => column.method === method).length;
    return { method, sizes, words: linesOf(method, sizes * columnWidth) };
  });
  return {
    columns: sorted.map(([, column]) => column),
    methods,
    lines,
    height: top,
    headHeight: HEAD_HEIGHT + HEAD_LINE * (Math.max(1, ...methods.map(({ words }) => words.length)) - 1),
    rowHeight,
    columnWidth,
  };
}

export interface MatrixProps {
  readonly board: Board;
  readonly version: number;
  readonly colouring: Colouring;
  readonly range: Range;
  /** Keys. */
  readonly picked: readonly string[];
  readonly isWanted: (cell: CellInfo, sum: CellSum) => boolean;
  /** Changes when `isWanted` does. */
  readonly wish: string;
  readonly onPick: (key: string) => void;
}

export function Matrix({ board, colouring, range, picked, isWanted, wish, onPick }: MatrixProps) {
  const layout = useMemo(() => layoutOf(board, isWanted), [board, wish]);
  const { box, top, bottom, left, right } = useWindow();
  const rows = layout.lines.filter((line): line is Line & { kind: 'row' } => line.kind === 'row');
  const [active, setActive] = useState({ row: 0, column: 0 });
  const { columns, methods, columnWidth, headHeight, rowHeight, height, lines } = layout;
  const seen = lines.filter((line) => line.top + rowHeight > top && line.top < bottom);
  const template = `var(--row-head) repeat(${columns.length}, ${columnWidth}px)`;

  const move = (event: KeyboardEvent) => {
    const step = STEPS[event.key];
    const last = { row: rows.length - 1, column: columns.length - 1 };
    if (event.key === 'Enter' || event.key === ' ') {
      const cell = rows[active.row]?.cells[active.column];
      if (cell !== null && cell !== undefined) onPick(board.cells[cell]?.key ?? '');
    } else if (step !== undefined) {
      const to = (value: number, most: number) => Math.max(0, Math.min(most, value));
      const next = { row: to(active.row + step.row, last.row), column: to(active.column + step.column, last.column) };
      setActive(next);
      bringIntoView(box.current, rows[next.row]?.top ?? 0, rowHeight, headHeight);
      const left = next.column * columnWidth;
      const element = box.current;
      if (element !== null) {
        const room = element.clientWidth - ROW_HEAD_PX;
        if (left < element.scrollLeft) element.scrollLeft = left;
        else if (left + columnWidth > element.scrollLeft + room) element.scrollLeft = left + columnWidth - room;
      }
    } else return;
    event.preventDefault();
  };

  if (rows.length === 0) return <p class="empty">Nothing here matches the filter.</p>;
  return (
    <div
      ref={box}
      class="matrix"
      role="grid"
      tabIndex={0}
      aria-label="Models by method and size; arrow keys move, Enter opens a cell"
      aria-rowcount={rows.length + 1}
      aria-colcount={columns.length + 1}
      aria-activedescendant={`cell-${active.row}-${active.column}`}
      onKeyDown={move}
      onClick={(event) => {
        const key = (event.target as Element).closest<HTMLElement>('[data-key]')?.dataset['key'];
        if (key !== undefined) onPick(key);
      }}
    >
      <div class="matrix-head" role="row" style={{ gridTemplateColumns: template, height: `${headHeight}px` }}>
        <div class="corner" role="columnheader">
          model
        </div>
        {methods.map(({ method, sizes, words }, index) => (
          <div
            key={method}
            class={`method ${index > 0 ? 'first' : ''}`}
            style={{ gridColumn: `span ${sizes}` }}
            title={method}
          >
            <div class="words">
              {words.map((line) => (
                <span key={line}>{line}</span>
              ))}
            </div>
          </div>
        ))}
        <div class="corner under" />
        {columns.map(({ method, size }, index) => (
          <div
            key={`${method} ${size}`}
            class={`size ${index > 0 && columns[index - 1]?.method !== method ? 'first' : ''}`}
            role="columnheader"
            aria-label={`${method}, size ${size}`}
          >
            {sizeName(size)}
          </div>
        ))}
      </div>
      <div
        class="matrix-rows"
        role="rowgroup"
        style={{ height: `${height}px`, minWidth: `calc(var(--row-head) + ${columns.length * columnWidth}px)` }}
      >
        {seen.map((line) =>
          line.kind === 'group' ? (
            <div key={`group ${line.name}`} class="group" role="presentation" style={{ top: `${line.top}px` }}>
              <span>{line.name}</span>
            </div>
          ) : (
            <div
              key={line.top}
              class="row"
              role="row"
              aria-rowindex={rows.indexOf(line) + 2}
              style={{ top: `${line.top}px`, height: `${rowHeight}px`, gridTemplateColumns: template }}
            >
              <div class="row-head" role="rowheader" title={line.name}>
                <span>{modelName(line.name)}</span>
              </div>
              {line.cells.map((cell, column) => {
                // From the right edge of the row's name on.
                if ((column + 1) * columnWidth < left || column * columnWidth > right) return null;
                const row = rows.indexOf(line);
                const id = `cell-${row}-${column}`;
                const isFirst = column > 0 && columns[column - 1]?.method !== columns[column]?.method;
                const isActive = row === active.row && column === active.column;
                const look = `${isFirst ? 'first' : ''} ${isActive ? 'active' : ''}`;
                if (cell === null)
                  return (
                    <div
                      key={id}
                      id={id}
                      role="gridcell"
                      class={`cell ${look}`}
                      style={{ gridColumn: column + 2 }}
                      aria-colindex={column + 2}
                      aria-label="not part of the sweep"
                    />
                  );
                const place = picked.indexOf(board.cells[cell]?.key ?? '');
                return (
                  <MatrixCell
                    key={id}
                    id={id}
                    column={column + 2}
                    board={board}
                    cell={cell}
                    version={board.sums[cell]?.version ?? 0}
                    environments={board.environments}
                    range={range}
                    colouring={colouring}
                    look={`${look} ${place < 0 ? '' : `picked picked-${place}`}`}
                  />
                );
              })}
            </div>
          ),
        )}
      </div>
    </div>
  );
}

const ROW_HEAD_PX = 190;

const STEPS: Readonly<Record<string, { readonly row: number; readonly column: number }>> = {
  ArrowUp: { row: -1, column: 0 },
  ArrowDown: { row: 1, column: 0 },
  ArrowLeft: { row: 0, column: -1 },
  ArrowRight: { row: 0, column: 1 },
  PageUp: { row: -10, column: 0 },
  PageDown: { row: 10, column: 0 },
  Home: { row: 0, column: -1_000_000 },
  End: { row: 0, column: 1_000_000 },
};

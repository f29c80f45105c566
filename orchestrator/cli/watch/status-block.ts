/**
 * Lines at the bottom of a terminal that are drawn again and again, below lines that stay. Each frame is one write: over
 * a slow line, as of ssh, nobody sees half of it. Nothing of it is left to libraries: what they leave of longer lines
 * below shorter ones, and what they do when a window is made narrower, took more to mend than this.
 */
export interface Terminal {
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
const CLEAR_BELOW = '\u001b[J';
// biome-ignore lint/suspicious/noControlCharactersInRegex: colours, which take no room
const COLOURS = /\u001b\[[\d;]*m/g;
const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 24;

export class StatusBlock {
  readonly #terminal: Terminal;
  #drawn: readonly string[] = [];

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    terminal.write(HIDE_CURSOR);
  }

  /** A line must be shorter than this: the last column is where terminals begin to differ. */
  get columns(): number {
    return Math.max(1, (this.#terminal.columns || DEFAULT_COLUMNS) - 1);
  }

  /** Of the block, so that it never scrolls away under itself. */
  get mostLines(): number {
    return Math.max(1, (this.#terminal.rows || DEFAULT_ROWS) - 1);
  }

  /** `above`: lines that stay, of any length, which the terminal wraps as it likes. */
  draw(lines: readonly string[], above = ''): void {
    this.#terminal.write(`${this.#erased()}${above === '' ? '' : `${above}\n`}${lines.join('\n')}`);
    this.#drawn = lines;
  }

  /** The last lines stay. */
  end(lines: readonly string[]): void {
    this.draw(lines);
    this.#terminal.write(`${lines.length === 0 ? '' : '\n'}${SHOW_CURSOR}`);
    this.#drawn = [];
  }

  /** To where the block begins. A window that was made narrower has broken its lines in two, as most terminals do. */
  #erased(): string {
    const columns = this.#terminal.columns || DEFAULT_COLUMNS;
    const rows = this.#drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / columns)), 0);
    return `\r${rows > 1 ? `\u001b[${rows - 1}A` : ''}${CLEAR_BELOW}`;
  }
}

/** As much as fits, with a mark that there is more. Of text without colours. */
export function fitted(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let [kept, width] = ['', 0];
  for (const char of text) {
    width += charWidth(char);
    if (width > columns - 1) break;
    kept += char;
  }
  return columns < 1 ? '' : `${kept}…`;
}

function widthOf(text: string): number {
  let width = 0;
  for (const char of text.replace(COLOURS, '')) width += charWidth(char);
  return width;
}

const NARROW_END = 0x1100;
const MARK = /^\p{Mark}$/u;
const WIDE =
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\uff01-\uff60]$/u;

function charWidth(char: string): number {
  if (char < '\u0300') return 1;
  if (MARK.test(char)) return 0;
  return (char.codePointAt(0) ?? 0) >= NARROW_END && WIDE.test(char) ? 2 : 1;
}

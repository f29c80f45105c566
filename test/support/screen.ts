/** What a person sees of what a program writes to a terminal: enough of one for what dss writes. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: what terminals obey
const CSI = /^\u001b\[(\??)([\d;]*)([A-Za-z])/;

export class Screen {
  #columns: number;
  /** From the first line on; what has scrolled away stays. */
  #lines: string[][] = [[]];
  #row = 0;
  #column = 0;
  isCursorHidden = false;
  #rest = '';

  constructor(columns: number) {
    this.#columns = columns;
  }

  /** Lines that do not fit any more are broken in two, as most terminals do; the cursor stays where it was in the text. */
  resize(columns: number): void {
    const old = this.#lines;
    const [row, column] = [this.#row, this.#column];
    this.#lines = [];
    this.#columns = columns;
    for (const [index, line] of old.entries()) {
      if (index === row)
        [this.#row, this.#column] = [this.#lines.length + Math.floor(column / columns), column % columns];
      for (let from = 0; from === 0 || from < line.length; from += columns)
        this.#lines.push(line.slice(from, from + columns));
    }
    while (this.#lines.length <= this.#row) this.#lines.push([]);
  }

  feed(text: string): void {
    let rest = this.#rest + text;
    while (rest !== '') {
      if (rest.startsWith('\u001b')) {
        const found = CSI.exec(rest);
        if (found === null) {
          if (rest.length < 16) break; // the other half comes
          throw new Error(`a sequence that this screen does not know: ${JSON.stringify(rest.slice(0, 16))}`);
        }
        this.#obey(found[1] ?? '', found[2] ?? '', found[3] ?? '');
        rest = rest.slice(found[0].length);
        continue;
      }
      const [char = ''] = rest;
      this.#put(char);
      rest = rest.slice(char.length);
    }
    this.#rest = rest;
  }

  /** Without the spaces at their ends, and without what is empty below. */
  get lines(): readonly string[] {
    const lines = this.#lines.map((line) => line.join('').trimEnd());
    while (lines.at(-1) === '') lines.pop();
    return lines;
  }

  #put(char: string): void {
    if (char === '\r') this.#column = 0;
    else if (char === '\n') this.#down();
    else {
      if (this.#column >= this.#columns) {
        this.#down();
        this.#column = 0;
      }
      const line = this.#lines[this.#row] as string[];
      while (line.length < this.#column) line.push(' ');
      line[this.#column] = char;
      this.#column += 1;
    }
  }

  #down(): void {
    this.#row += 1;
    if (this.#lines.length <= this.#row) this.#lines.push([]);
  }

  #obey(mark: string, numbers: string, letter: string): void {
    if (mark === '?') {
      if (numbers === '25') this.isCursorHidden = letter === 'l';
      return;
    }
    switch (letter) {
      case 'A':
        this.#row = Math.max(0, this.#row - Number(numbers || 1));
        return;
      case 'J':
        (this.#lines[this.#row] as string[]).length = Math.min(this.#column, this.#lines[this.#row]?.length ?? 0);
        this.#lines.length = this.#row + 1;
        return;
      case 'm':
        return;
      default:
        throw new Error(`a sequence that this screen does not know: ${numbers}${letter}`);
    }
  }
}

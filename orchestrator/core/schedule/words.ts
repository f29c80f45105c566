/** Numbers in place of words that come often, from 0 in order of appearance. */
export class Words {
  readonly #words: string[] = [];
  readonly #numbers = new Map<string, number>();

  numberOf(word: string): number {
    const known = this.#numbers.get(word);
    if (known !== undefined) return known;
    const number = this.#words.length;
    this.#words.push(word);
    this.#numbers.set(word, number);
    return number;
  }

  wordOf(number: number): string {
    return this.#words[number] as string;
  }
}

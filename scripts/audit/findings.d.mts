export interface Asked {
  /** Why it was not, or of what not. */
  readonly notAsked: readonly string[];
  /** Known vulnerabilities that count. */
  readonly found: readonly string[];
  /** About how many packages there was an answer. */
  readonly packages: number;
}
export function npmFindings(text: string): Asked;
export function pythonFindings(text: string): Asked;
export function licenceProblems(text: string): readonly string[];

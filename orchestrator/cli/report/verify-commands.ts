/** The commands of a manifest beside the rows of its report: each row has one, and each prints a row that is there. */
import { rowAddresses, valueAt } from '../../reports/addresses.js';
import { numberCommand } from '../../reports/manifest.js';
import type { Manifest } from './read-manifest.js';

/** What is wrong, a line per row. */
export function verifyCommands(
  { numbers, sweeps }: Pick<Manifest, 'numbers' | 'sweeps'>,
  summary: Readonly<Record<string, unknown>>,
): readonly string[] {
  const known = new Set(numbers.map(({ address }) => address));
  return [
    ...numbers.flatMap(({ address, command }) => {
      if (valueAt(summary, address) === undefined) return [`manifest.json: summary.json has no ${address}`];
      const expected = numberCommand(address, sweeps);
      return command === expected ? [] : [`manifest.json: ${address} is printed by ${expected}, not by ${command}`];
    }),
    ...rowAddresses(summary)
      .filter((address) => !known.has(address))
      .map((address) => `manifest.json: no command prints ${address} of summary.json`),
  ];
}

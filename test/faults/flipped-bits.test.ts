import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkDatabase } from '../../orchestrator/journal/sqlite/check-database.js';
import { openJournal } from '../../orchestrator/journal/sqlite/sqlite-journal.js';
import { temporaryFolder } from '../support/dss.js';
import { partOf } from '../support/parts.js';
import { Chance } from '../support/simulation/chance.js';
import { evaluationOf, failureOf, resultOf, trialIdOf } from '../support/trials.js';

const FLIPS = 300;

/** What of a journal decides what runs and what is reported. */
function contentOf(home: string): string {
  const journal = openJournal(home);
  try {
    const records = journal.sweeps().flatMap(({ sweep }) => [...journal.trials(sweep)]);
    const measured = records.map(({ trial }) => journal.measurements(trial.trialId));
    // Settings, and what a trial needs, have no checksum: what they say is in no event.
    const trials = records.map(({ trial: { settings: _, run: __, ...sources }, ...rest }) => ({ ...sources, ...rest }));
    const standings = [...journal.standings('a')].map(({ need: _, ...rest }) => rest);
    return JSON.stringify([journal.sweeps(), trials, measured, standings], (_, value: unknown) =>
      typeof value === 'bigint' ? value.toString() : value,
    );
  } finally {
    journal.close();
  }
}

describe('a journal in which one bit was turned over', () => {
  it('is refused, or found out by the check, or has lost nothing', () => {
    using folder = temporaryFolder();
    const whole = join(folder.path, 'whole');
    const journal = openJournal(whole);
    journal.transaction(() => journal.submit(partOf('a', [1, 2, 3, 4, 5, 6]), 1_000));
    journal.transaction(() => {
      for (const number of [1, 2, 3]) {
        const { lease } = journal.begin(trialIdOf(number), 'worker', 2_000);
        const training = Array.from({ length: 20 }, (_, step) => ({ step, loss: 1 / (step + 1) }));
        journal.measure(lease, { training, evaluations: [evaluationOf(10), evaluationOf(10, 'test')] }, 3_000);
        if (number === 3) journal.fail(lease, failureOf('user'), 4_000);
        else journal.finish(lease, resultOf(number / 7), 4_000);
      }
    });
    journal.close();
    const expected = contentOf(whole);
    const bytes = readFileSync(join(whole, 'journal.db'));
    const chance = new Chance(2026);
    const silent: string[] = [];
    let [found, harmless, refused] = [0, 0, 0];
    for (let flip = 0; flip < FLIPS; flip += 1) {
      const home = join(folder.path, `flip-${flip}`);
      mkdirSync(home);
      const damaged = Buffer.from(bytes);
      const [at, bit] = [Math.floor(chance.unit() * bytes.length), Math.floor(chance.unit() * 8)];
      damaged.writeUInt8(damaged.readUInt8(at) ^ (1 << bit), at);
      writeFileSync(join(home, 'journal.db'), damaged, { mode: 0o600 });
      try {
        if ((checkDatabase(home)?.findingCount ?? 0) > 0) found += 1;
        else if (contentOf(home) !== expected) silent.push(`bit ${bit} of byte ${at}`);
        else harmless += 1;
      } catch (error) {
        if ((error as { code?: unknown }).code !== 'STATE_INVALID')
          silent.push(`bit ${bit} of byte ${at}: ${String(error)}`);
        refused += 1;
      }
    }
    assert.deepEqual(silent, []);
    assert.ok(found > FLIPS / 10, `${found} were found, ${refused} refused, ${harmless} did no harm`);
  });
});

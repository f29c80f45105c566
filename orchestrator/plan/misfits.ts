/** Trials that would end for lack of memory on every device that is there: said before they wait in a queue. */
import type { DeviceChoice } from '../core/cost/device-kinds.js';
import { type Fit, fitOn, type Way } from '../core/cost/fit.js';
import type { MemoryParts, TrialFacts } from '../core/cost/memory.js';
import type { Trial } from '../core/domain.js';
import { needOf, sizeOf, type TrialNeed } from '../core/schedule/trial-need.js';
import { TrialSizes } from './trial-facts.js';

export interface Misfit {
  /** The first of them. */
  readonly trial: Trial;
  readonly trials: number;
  /** On each of its devices. */
  readonly bytes: number;
  readonly parts: MemoryParts;
  /** The largest that is there. */
  readonly choice: DeviceChoice;
  readonly ways: readonly Way[];
  /** Devices on which it fits as it is; `null`: there are not as many. */
  readonly devices: number | null;
  /** Machines that it may have to go on with, which are too few; `null`: all of them are. */
  readonly left: number | null;
}

/** Predictions are within a tenth of what is seen; who is refused is beyond that. */
const ERROR = 0.1;

/** @param choices devices that are there, with how many; where nothing is known of one's memory, nothing is a misfit */
export async function findMisfits(
  trials: readonly Trial[],
  choices: readonly DeviceChoice[],
): Promise<readonly Misfit[]> {
  if (choices.length === 0 || choices.some(({ kind }) => kind.memoryBytes === 0)) return [];
  const largest = choices.reduce((best, each) => (each.kind.memoryBytes > best.kind.memoryBytes ? each : best));
  const sizes = new TrialSizes();
  const found = new Map<string, Misfit | null>();
  for (const trial of trials) {
    const need = { ...needOf(trial.run), memoryBytes: 0 };
    const settings = { ...trial.settings, seed: 0, lr: 0, label_type: null, llm: null };
    const key = JSON.stringify([settings, trial.model.directory, need]);
    const known = found.get(key);
    if (known !== undefined) {
      if (known !== null) found.set(key, { ...known, trials: known.trials + 1 });
      continue;
    }
    const facts = await sizes.of(trial);
    const short = facts === null ? null : tooFewFor(facts, need, largest);
    if (facts === null || short === null) {
      found.set(key, null);
      continue;
    }
    const { fits, devices, ways } = fitOn(facts, need, largest);
    const { total: bytes, parts } = short.memory;
    found.set(key, {
      trial,
      trials: 1,
      bytes,
      parts,
      choice: largest,
      ways,
      devices: fits === true ? devices : null,
      left: short.left,
    });
  }
  return [...found.values()].filter((misfit) => misfit !== null);
}

/** What it would need of each device on all its machines or, if it fits there, on as few as it may go on with. */
function tooFewFor(
  facts: TrialFacts,
  need: TrialNeed,
  choice: DeviceChoice,
): (Pick<Misfit, 'left'> & Pick<Fit, 'memory'>) | null {
  const { machines, minMachines } = need;
  for (const least of minMachines < machines ? [machines, minMachines] : [machines]) {
    const tried = { ...need, machines: least };
    const { shortBytes, memory } = fitOn(facts, tried, { ...choice, count: sizeOf(tried) });
    if (shortBytes > ERROR * memory.total) return { memory, left: least < machines ? least : null };
  }
  return null;
}

/** What each trial of a plan is thought to need at most on each of its devices, so that small ones may share a device. */
import { predictedMemoryBytes } from '../core/cost/memory.js';
import { memoryShapeOf } from '../core/cost/memory-shape.js';
import type { Device, RunOptions, Trial } from '../core/domain.js';
import type { TrialRecord } from '../core/records.js';
import { needOf, sizeOf } from '../core/schedule/trial-need.js';
import { TrialSizes } from './trial-facts.js';

type DeviceKind = Device['kind'];

/** Peaks that were measured, by device kind and the shape of the trials; of several the largest. */
export class MeasuredPeaks {
  readonly #bytes = new Map<string, number>();

  add({ trial, result }: Pick<TrialRecord, 'trial' | 'result'>): void {
    if (result === null || result.peakMemoryBytes === 0) return;
    const key = keyOf(result.environment['device'] ?? '', memoryShapeOf(trial));
    this.#bytes.set(key, Math.max(result.peakMemoryBytes, this.#bytes.get(key) ?? 0));
  }

  /** `null`: none of that shape has run on such a device. */
  of(kind: DeviceKind, shape: string): number | null {
    return this.#bytes.get(keyOf(kind, shape)) ?? null;
  }
}

function keyOf(kind: string, shape: string): string {
  return `${kind} ${shape}`;
}

/**
 * A measured peak where an equal trial has run, else the prediction; the most that any of these kinds of devices calls
 * for. Where one is not known, neither is the need.
 *
 * @param kinds of the devices that may run them
 */
export async function withMemoryNeeds(
  trials: readonly Trial[],
  kinds: readonly DeviceKind[],
  measured: Pick<MeasuredPeaks, 'of'>,
): Promise<readonly Trial[]> {
  const sizes = new TrialSizes();
  const needs = new Map<string, number>();
  const runs = new Map<string, RunOptions>();
  const sized: Trial[] = [];
  for (const trial of trials) {
    const shape = memoryShapeOf(trial);
    const memoryBytes = needs.get(shape) ?? (await bytesOf(trial, shape));
    needs.set(shape, memoryBytes);
    sized.push({ ...trial, run: runOf(trial.run, memoryBytes) });
  }
  return sized;

  async function bytesOf(trial: Trial, shape: string): Promise<number> {
    const seen = kinds.map((kind) => measured.of(kind, shape));
    const facts = seen.includes(null) ? await sizes.of(trial) : null;
    const devices = sizeOf(needOf(trial.run));
    const all = kinds.map((kind, index) => {
      return seen[index] ?? (facts === null ? 0 : predictedMemoryBytes(facts, { kind, devices }));
    });
    return all.includes(0) ? 0 : Math.max(0, ...all);
  }

  /** A hundred thousand trials share a few. */
  function runOf(run: RunOptions, memoryBytes: number): RunOptions {
    const key = JSON.stringify([run, memoryBytes]);
    const known = runs.get(key) ?? { ...run, memoryBytes };
    runs.set(key, known);
    return known;
  }
}

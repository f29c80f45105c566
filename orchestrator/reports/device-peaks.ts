/** What the devices of a sweep could compute at most; MFU is a share of it. */
import type { TrialRecord } from '../journal/journal.js';
import { measuresOf } from './measures.js';

export interface DevicePeak {
  readonly device: string;
  readonly precision: string;
  /** "measured" or "vendor". */
  readonly source: string;
  /** FLOP/s; each process measures for itself, so there may be a range. */
  readonly least: number;
  readonly most: number;
}

export function devicePeaks(records: readonly TrialRecord[]): readonly DevicePeak[] {
  const peaks = new Map<string, DevicePeak>();
  for (const { trial, result } of records) {
    if (result === null) continue;
    const { peakFlops, peakFlopsSource } = measuresOf(result);
    if (peakFlops === null || peakFlopsSource === null) continue;
    const device = result.environment['device_name'] ?? result.environment['device'] ?? 'a device without a name';
    const { precision } = trial.settings;
    const key = JSON.stringify([device, precision, peakFlopsSource]);
    const { least, most } = peaks.get(key) ?? { least: peakFlops, most: peakFlops };
    peaks.set(key, {
      device,
      precision,
      source: peakFlopsSource,
      least: Math.min(least, peakFlops),
      most: Math.max(most, peakFlops),
    });
  }
  return [...peaks.values()];
}

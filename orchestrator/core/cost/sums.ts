/** What a plan's trials cost together on one kind of device. */

export interface TrialCost {
  readonly trials: number;
  readonly fits: boolean | null;
  readonly devices: number;
  /** Of one trial; `null`: not known. */
  readonly seconds: number | null;
}

export interface CostSum {
  readonly trials: number;
  /** Of the trials that fit and whose time is known. */
  readonly deviceHours: number;
  readonly price: number | null;
  readonly doNotFit: number;
  readonly unknown: number;
}

export function sumOf(costs: Iterable<TrialCost>, pricePerHour: number | null): CostSum {
  let [trials, deviceHours, doNotFit, unknown] = [0, 0, 0, 0];
  for (const { trials: count, fits, devices, seconds } of costs) {
    trials += count;
    if (fits === false) doNotFit += count;
    else if (seconds === null) unknown += count;
    else deviceHours += (count * devices * seconds) / 3_600;
  }
  return { trials, deviceHours, price: pricePerHour === null ? null : deviceHours * pricePerHour, doNotFit, unknown };
}

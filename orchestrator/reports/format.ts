/** Numbers as people read them. */
import type { Sample } from '../core/statistics/sample.js';
import type { Interval } from '../core/statistics/student-t.js';
import { extentOf } from './extent.js';

const NOTHING = '–';

/** An accuracy in percent, without the sign: tables say the unit once. */
export function percent(share: number | null): string {
  return share === null ? NOTHING : (100 * share).toFixed(2);
}

/** `61.25 ± 1.03`; a single value has no spread, and none is made up. */
export function percentSample({ mean, sd }: Sample): string {
  return sd === null ? percent(mean) : `${percent(mean)} ± ${percent(sd)}`;
}

export function signedPercentSample({ mean, sd }: Sample): string {
  if (mean === null) return NOTHING;
  return sd === null ? signedPercent(mean) : `${signedPercent(mean)} ± ${percent(sd)}`;
}

/** `+1.25 to +6.40`, in points. */
export function intervalText(interval: Interval | null): string {
  return interval === null ? NOTHING : `${signedPercent(interval.low)} to ${signedPercent(interval.high)}`;
}

/** `60.12 to 62.41`, in percent. */
export function rangeText(interval: Interval | null): string {
  return interval === null ? NOTHING : `${percent(interval.low)} to ${percent(interval.high)}`;
}

/** `+1.25`, `−0.40`, in points. */
export function signedPercent(share: number): string {
  return withMinus(`${share >= 0 ? '+' : ''}${percent(share)}`);
}

/** With the sign for minus, which LaTeX sets as one, and not a hyphen. */
export function withMinus(number: string): string {
  return number.replace('-', '−');
}

/** `differences go from −1.00 to +2.50 points`, also where there is one. */
export function differencesText(differences: readonly number[]): string {
  const [least, most] = extentOf(differences).map(signedPercent) as [string, string];
  if (differences.length === 1) return `the difference is ${least} points`;
  return least === most ? `all differences are ${least} points` : `differences go from ${least} to ${most} points`;
}

/** Two digits that mean something; `below 0.0001`. */
export function probability(p: number): string {
  return p < 0.0001 ? 'below 0.0001' : String(Number(p.toPrecision(2)));
}

/** Three digits or more, never a digit that a measurement does not have: `0.412`, `16.0`, `12,345`. */
export function rate(perSecond: number | null): string {
  if (perSecond === null || !Number.isFinite(perSecond)) return NOTHING;
  return perSecond < 100 ? perSecond.toPrecision(3) : Math.round(perSecond).toLocaleString('en');
}

export function gibibytes(bytes: number | null): string {
  return bytes === null ? NOTHING : `${(bytes / 2 ** 30).toFixed(2)} GiB`;
}

/** `8.4 s`, `3 min 05 s`, `2 h 07 min`, `3 d 04 h`. */
export function duration(seconds: number | null): string {
  if (seconds === null || !Number.isFinite(seconds)) return NOTHING;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const [days, hours, minutes] = [
    Math.floor(whole / 86_400),
    Math.floor(whole / 3_600) % 24,
    Math.floor(whole / 60) % 60,
  ];
  if (days > 0) return `${days} d ${twoDigits(hours)} h`;
  if (hours > 0) return `${hours} h ${twoDigits(minutes)} min`;
  return `${minutes} min ${twoDigits(whole % 60)} s`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}

/** As a sentence begins. */
export function capitalized(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

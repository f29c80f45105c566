/** Numbers and times as people read them. */

export function percent(value: number | null, digits = 1): string {
  return value === null || Number.isNaN(value) ? '–' : (value * 100).toFixed(digits);
}

/** `61.2 ± 1.5`; the deviation of a single one is none. */
export function spread(mean: number, deviation: number | null, digits = 1): string {
  return `${percent(mean, digits)}${deviation === null ? '' : ` ± ${percent(deviation, digits)}`}`;
}

export function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value * 100).toFixed(2)}`;
}

export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${(seconds / 3_600).toFixed(1)} h`;
  return `${(seconds / 86_400).toFixed(1)} days`;
}

export function ago(unixMs: number): string {
  const seconds = (Date.now() - unixMs) / 1000;
  return seconds < 5 ? 'just now' : `${duration(seconds)} ago`;
}

export function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}

export function short(trialId: string): string {
  return trialId.slice(0, 8);
}

/** Of what a result ran on, by its place. A list of them ends somewhere. */
export function environmentName(environments: readonly string[], place: number): string {
  return environments[place] ?? 'another environment';
}

/** The last part of a path or a hub name says most. */
export function modelName(name: string): string {
  return name.split('/').at(-1) ?? name;
}

/** Of the training set: a share of it, or what else its name says. */
export function sizeName(size: string): string {
  const share = Number(size);
  return Number.isNaN(share) ? size : `${Number((share * 100).toPrecision(4))} % of data`;
}

/**
 * JSON that is the same text for equal values: keys sorted, no spaces. For plain data without undefined, and without
 * numbers that JSON has no words for. Written out, since a replacer that sorts makes a large grid take twice as long.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const members = value as Readonly<Record<string, unknown>>;
  const texts = Object.keys(members)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(members[key])}`);
  return `{${texts.join(',')}}`;
}

/**
 * Addresses of a report's numbers: `cells.3f2a91c04d5e.test_accuracy.mean`. They are places in its document, in which a
 * list's members have their ids for names where they have any: such a name stays when a sweep grows, and `[3]` would not.
 */

/** What a part of a document holds, by the names that addresses have; `null`: it is a value itself. */
export function membersOf(value: unknown): ReadonlyMap<string, unknown> | null {
  if (Array.isArray(value)) {
    const members: readonly unknown[] = value;
    const ids = idsOf(members);
    return new Map(members.map((member, place) => [ids?.[place] ?? `[${place}]`, member]));
  }
  return typeof value === 'object' && value !== null ? new Map(Object.entries(value)) : null;
}

export function addressOf(place: string, name: string): string {
  return place === '' || name.startsWith('[') ? `${place}${name}` : `${place}.${name}`;
}

/** `undefined`: there is nothing. Names may have points in them, as models' do. */
export function valueAt(value: unknown, address: string): unknown {
  if (address === '') return value;
  for (const [name, member] of membersOf(value) ?? []) {
    if (!address.startsWith(name)) continue;
    const rest = address.slice(name.length);
    if (rest !== '' && !/^[.[]./.test(rest)) continue;
    const found = valueAt(member, rest.replace(/^\./, ''));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Of a document's lists each member that has a name, and else what it holds as a whole. */
export function rowAddresses(document: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.entries(document).flatMap(([name, part]) => {
    const ids = Array.isArray(part) ? idsOf(part) : null;
    return ids === null ? [name] : ids.map((id) => addressOf(name, id));
  });
}

/** `null`: they have none, or two the same. */
function idsOf(members: readonly unknown[]): readonly string[] | null {
  const ids = members.flatMap((member) => {
    const id: unknown = typeof member === 'object' && member !== null && 'id' in member ? member.id : null;
    return typeof id === 'string' && id !== '' ? [id] : [];
  });
  return ids.length === members.length && new Set(ids).size === ids.length ? ids : null;
}

/** How the devices of one trial divide its model, as a sweep file says it; `parallel/mesh.py` lays the ranks out so. */

export interface Layout {
  /** Devices that divide the rows of each weight, and train on other rows each. */
  readonly shard: number;
  /** Devices that divide heads, feed-forward layers and vocabulary, and train on the same rows. */
  readonly tensor: number;
}

export const AUTO_LAYOUT = 'auto';

const MAX_PART = 4_096;

/** `auto`, or `4x2` for shard 4, tensor 2; of a mapping what it does not name is 1. `null`: it is none of these. */
export function layoutText(value: unknown): string | null {
  if (value === AUTO_LAYOUT) return AUTO_LAYOUT;
  if (typeof value === 'string') {
    const [, shard, tensor] = /^(\d{1,4})x(\d{1,4})$/.exec(value) ?? [];
    return textOf(Number(shard), Number(tensor));
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const { shard = 1, tensor = 1, ...others } = value as Readonly<Record<string, unknown>>;
  return Object.keys(others).length > 0 || Object.keys(value).length === 0 ? null : textOf(shard, tensor);
}

function textOf(...parts: readonly unknown[]): string | null {
  const isPart = (part: unknown) => Number.isInteger(part) && Number(part) >= 1 && Number(part) <= MAX_PART;
  return parts.every(isPart) ? parts.join('x') : null;
}

/** @param text of `layoutText`; `null` for `auto` */
export function layoutOf(text: string): Layout | null {
  if (text === AUTO_LAYOUT) return null;
  const [shard = 1, tensor = 1] = text.split('x').map(Number);
  return { shard, tensor };
}

/** Why a trial's devices cannot be laid out so, and what to do; `null`: they can. */
export function layoutProblem(
  { shard, tensor }: Layout,
  { devices, machines }: { readonly devices: number; readonly machines: number },
): { readonly message: string; readonly hint: string } | null {
  const all = devices * machines;
  const asked = `layout: shard ${shard} x tensor ${tensor}`;
  if (all % (shard * tensor) !== 0) {
    const there = `${devices} devices x ${machines} machines`;
    return {
      message: `${asked} is for ${shard * tensor} devices or a multiple, the trial has ${all} (${there})`,
      hint: `set devices to ${Math.ceil((shard * tensor) / machines)}, or layout: auto`,
    };
  }
  // In every layer they wait for each other, which a network between machines is too slow for.
  if (devices % tensor === 0) return null;
  return {
    message: `${asked}: tensor ${tensor} does not divide the ${devices} devices of a machine`,
    hint: 'tensor parts talk in every layer and stay on one machine; shard may be over machines',
  };
}

/** The one that `auto` is: rows of weights over all devices, unless there are fewer rows of a batch than devices. */
export function autoLayout(
  { devices, machines }: { readonly devices: number; readonly machines: number },
  { heads, batchRows }: { readonly heads: number; readonly batchRows: number },
): Layout {
  const all = devices * machines;
  const possible = Array.from({ length: devices }, (_, index) => index + 1).filter(
    (each) => devices % each === 0 && heads % each === 0,
  );
  const tensor = possible.find((each) => all / each <= batchRows) ?? possible.at(-1) ?? 1;
  return { shard: all / tensor, tensor };
}

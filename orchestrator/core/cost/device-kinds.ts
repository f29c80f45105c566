/** Devices that trials may be planned for, whether or not one is at hand. */
import type { Precision } from '../domain.js';

export interface DeviceKind {
  /** As `--device` names it. */
  readonly name: string;
  readonly kind: 'cpu' | 'cuda';
  /** 0: not known. */
  readonly memoryBytes: number;
  /** FLOP/s, dense; without a precision, no time is predicted in it. */
  readonly peakFlops: Readonly<Partial<Record<Precision, number>>>;
  /** In one machine at most. */
  readonly perMachine: number;
  /** Of one device; in the user's currency. */
  readonly pricePerHour: number | null;
  /** Where the numbers are from. */
  readonly source: string;
  /** Somebody looked them up, or measured them here. */
  readonly isVerified: boolean;
}

const GIB = 2 ** 30;
const TERA = 1e12;

/** [GiB as CUDA reports them, TFLOP/s in fp32, tf32 and bf16]. */
type Row = readonly [memoryGiB: number, fp32: number, tf32: number, bf16: number];

function gpu(name: string, [memoryGiB, fp32, tf32, bf16]: Row, source: string, isVerified: boolean): DeviceKind {
  return {
    name,
    kind: 'cuda',
    memoryBytes: memoryGiB * GIB,
    peakFlops: { fp32: fp32 * TERA, tf32: tf32 * TERA, bf16: bf16 * TERA },
    perMachine: 8,
    pricePerHour: null,
    source,
    isVerified,
  };
}

const DATA_SHEET = "the vendor's data sheet; memory from memory";
const MEMORY = 'from memory';

export const DEVICE_KINDS: ReadonlyMap<string, DeviceKind> = new Map(
  [
    gpu('a100-40', [39.4, 19.5, 156, 312], DATA_SHEET, false),
    gpu('a100-80', [79.2, 19.5, 156, 312], DATA_SHEET, false),
    gpu('h100-80', [78, 67, 494.7, 989.4], "the vendor's data sheet; memory as a machine reported it", true),
    gpu('h200', [139, 67, 494.7, 989.4], "the vendor's data sheet; memory as a machine reported it", true),
    gpu('a10g', [22.1, 35, 35, 70], DATA_SHEET, false),
    gpu('l4', [22, 30.3, 60, 121], DATA_SHEET, false),
    gpu('rtx3090', [23.6, 35.6, 35.6, 71], MEMORY, false),
    gpu('rtx4090', [23.6, 82.6, 82.6, 165.2], MEMORY, false),
  ].map((kind) => [kind.name, kind]),
);

/** `8xa100-40` is eight in one machine, `a100-40` as many as a trial needs, up to what one machine has. */
export interface DeviceChoice {
  readonly kind: DeviceKind;
  /** `null`: as many as are needed. */
  readonly count: number | null;
}

/** Words that a device's name has, as CUDA gives it; of two that fit, the longer list. */
const NAMES: readonly (readonly [readonly string[], string])[] = [
  [['A100', '40GB'], 'a100-40'],
  [['A100', '80GB'], 'a100-80'],
  [['H100', 'HBM3'], 'h100-80'],
  [['H200'], 'h200'],
  [['A10G'], 'a10g'],
  [['L4'], 'l4'],
  [['3090'], 'rtx3090'],
  [['4090'], 'rtx4090'],
];

/** The catalogue's name for a device, `null` if it has none. A slice of a device is none of them. */
export function kindNameOf(deviceName: string): string | null {
  const words: readonly string[] = deviceName.toUpperCase().match(/[A-Z0-9]+/g) ?? [];
  if (words.includes('MIG')) return null;
  return NAMES.find(([needed]) => needed.every((word) => words.includes(word)))?.[1] ?? null;
}

/** A device that a machine or a worker has; without its memory nothing is said about fitting. */
export function kindOfDevice(device: {
  readonly kind: 'cpu' | 'cuda';
  readonly name: string;
  readonly memoryBytes: number;
}): DeviceKind {
  const known = DEVICE_KINDS.get(kindNameOf(device.name) ?? '');
  const { kind, name } = device;
  if (known !== undefined && kind === 'cuda') {
    return { ...known, memoryBytes: device.memoryBytes > 0 ? device.memoryBytes : known.memoryBytes };
  }
  return {
    name,
    kind,
    memoryBytes: device.memoryBytes,
    peakFlops: {},
    perMachine: 1,
    pricePerHour: null,
    source: 'a device that is there',
    isVerified: true,
  };
}

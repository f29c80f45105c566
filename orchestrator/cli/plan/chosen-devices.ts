/** The devices that a plan is priced for: by `--device`, else those of this machine or of the workers that are there. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { closest } from '../../core/closest.js';
import {
  DEVICE_KINDS,
  type DeviceChoice,
  type DeviceKind,
  kindNameOf,
  kindOfDevice,
} from '../../core/cost/device-kinds.js';
import { SweepError } from '../../core/errors.js';
import type { WorkerStanding } from '../../core/worker-standing.js';
import { machineDevices } from './machine-devices.js';

/** Of files that describe more of them, beside the sweep files of whoever keeps some. */
const FOLDER = 'devices';

/** @param names as in `a100-80,8xa100-40,devices/mine.yaml` */
export async function namedDevices(names: string, price: number | undefined): Promise<readonly DeviceChoice[]> {
  const choices: DeviceChoice[] = [];
  for (const word of names.split(',')) {
    const [, count, name = ''] = /^(?:([1-9]\d{0,3})x)?(.*)$/.exec(word.trim()) ?? [];
    choices.push({ kind: priced(await deviceNamed(name), price), count: count === undefined ? null : Number(count) });
  }
  return choices;
}

async function deviceNamed(name: string): Promise<DeviceKind> {
  const known = DEVICE_KINDS.get(name);
  if (known !== undefined) return known;
  const file = [name, join(FOLDER, `${name}.yaml`)].find((path) => path.endsWith('.yaml') && existsSync(path));
  if (file !== undefined) return (await import('../../sources/read-device.js')).readDevice(file);
  const names = [...DEVICE_KINDS.keys()];
  const meant = closest(name, names);
  throw new SweepError('USAGE', `--device: there is no device "${name}", and no file ${join(FOLDER, `${name}.yaml`)}`, {
    hint: `${meant === null ? '' : `did you mean ${meant}? `}known: ${names.join(', ')}; 8x before a name: eight in one machine`,
  });
}

/** @param workers of the control plane that would run it; `null`: this machine would */
export async function devicesThatAreThere(
  workers: readonly WorkerStanding[] | null,
  price: number | undefined,
): Promise<readonly DeviceChoice[]> {
  // Workers tell people the names of their devices alone.
  const kinds =
    workers === null
      ? (await machineDevices()).map(kindOfDevice)
      : workers.flatMap(({ devices }) =>
          devices.map((name) =>
            kindOfDevice({ kind: kindNameOf(name) === null ? 'cpu' : 'cuda', name, memoryBytes: 0 }),
          ),
        );
  const counts = new Map<string, DeviceChoice & { readonly count: number }>();
  for (const kind of kinds) {
    counts.set(kind.name, { kind: priced(kind, price), count: (counts.get(kind.name)?.count ?? 0) + 1 });
  }
  return [...counts.values()];
}

function priced(kind: DeviceKind, price: number | undefined): DeviceKind {
  return price === undefined ? kind : { ...kind, pricePerHour: price };
}

/** What this machine would train on: its GPUs, else its processor. */
import { existsSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { z } from 'zod';
import type { Device } from '../../core/domain.js';
import { askPython } from '../python.js';

const NVIDIA = '/proc/driver/nvidia';

const Devices = z.array(z.object({ kind: z.enum(['cpu', 'cuda']), name: z.string(), memory_bytes: z.number() }));

export type MachineDevice = Pick<Device, 'kind' | 'name' | 'memoryBytes'>;

/** Python is asked only where there is a driver: it takes a second. */
export async function machineDevices(): Promise<readonly MachineDevice[]> {
  const gpus = existsSync(NVIDIA) ? await findGpus() : [];
  if (gpus.length > 0) return gpus;
  const allowed = process.constrainedMemory();
  const memoryBytes = allowed > 0 ? Math.min(allowed, totalmem()) : totalmem();
  return [{ kind: 'cpu', name: cpus()[0]?.model.trim() ?? 'cpu', memoryBytes }];
}

async function findGpus(): Promise<readonly MachineDevice[]> {
  const found = Devices.parse(await askPython(['dss_worker', 'devices', '--json'], null));
  return found
    .filter(({ kind }) => kind === 'cuda')
    .map(({ kind, name, memory_bytes: memoryBytes }) => ({ kind, name, memoryBytes }));
}

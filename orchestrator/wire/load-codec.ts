/** How busy a worker is, which it says itself and people are told ↔ what is known of it. */
import type { DeviceLoad, WorkerLoad } from '../core/worker-standing.js';
import { safeInteger, share, WireError, wholeBetween } from './fields.js';
import type * as wire from './generated/dss/v1/common.js';

/** More is no worker of ours. */
const MAX_DEVICES = 256;
const MAX_WARM = 256;

export function encodeLoads(devices: readonly DeviceLoad[]): wire.DeviceLoad[] {
  return devices.map(({ utilization, memoryUsedBytes, memoryTotalBytes }) => ({
    ...(utilization === null ? {} : { utilization }),
    memoryUsedBytes: BigInt(memoryUsedBytes),
    memoryTotalBytes: BigInt(memoryTotalBytes),
  }));
}

export function decodeLoad(devices: readonly wire.DeviceLoad[], warm: number | undefined): WorkerLoad {
  if (devices.length > MAX_DEVICES) throw new WireError(`a load of ${devices.length} devices, at most ${MAX_DEVICES}`);
  return {
    devices: devices.map(({ utilization, memoryUsedBytes, memoryTotalBytes }) => ({
      utilization: utilization === undefined ? null : share(utilization, 'utilization'),
      memoryUsedBytes: safeInteger(memoryUsedBytes, 'memory_used_bytes'),
      memoryTotalBytes: safeInteger(memoryTotalBytes, 'memory_total_bytes'),
    })),
    warm: wholeBetween(warm, 0, MAX_WARM, 'warm'),
  };
}

/** A kind of device that a user describes: `devices/NAME.yaml`. */
import { z } from 'zod';
import type { DeviceKind } from '../core/cost/device-kinds.js';
import { SweepError } from '../core/errors.js';
import { readYaml } from './read-yaml.js';

const above = z.number('expected a number').positive('expected a number above 0');

const DeviceFile = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][\w.-]{0,63}$/, 'expected letters, digits, dots, dashes and underscores'),
  memory_gib: above,
  peak_tflops: z.strictObject({ fp32: above.optional(), tf32: above.optional(), bf16: above.optional() }).default({}),
  per_machine: z.number().int('expected a whole number').min(1).max(64).default(1),
  price_per_hour: z.number('expected a number').min(0, 'expected a number from 0').optional(),
  source: z.string().default('the user'),
});

const GIB = 2 ** 30;
const TERA = 1e12;

/** @throws SweepError SPEC_INVALID, naming what was expected of each key */
export async function readDevice(file: string): Promise<DeviceKind> {
  const { value } = await readYaml(file);
  const { success, data, error } = DeviceFile.safeParse(value);
  if (!success) {
    const issues = error.issues.map(({ path, message }) => `${path.join('.') || 'the file'}: ${message}`);
    throw new SweepError('SPEC_INVALID', `${file} describes no device: ${issues.join('; ')}`, {
      hint: 'keys: name, memory_gib, peak_tflops with fp32, tf32 and bf16, per_machine, price_per_hour, source',
    });
  }
  const { fp32, tf32, bf16 } = data.peak_tflops;
  return {
    name: data.name,
    kind: 'cuda',
    memoryBytes: data.memory_gib * GIB,
    peakFlops: {
      ...(fp32 === undefined ? {} : { fp32: fp32 * TERA }),
      ...(tf32 === undefined ? {} : { tf32: tf32 * TERA }),
      ...(bf16 === undefined ? {} : { bf16: bf16 * TERA }),
    },
    perMachine: data.per_machine,
    pricePerHour: data.price_per_hour ?? null,
    source: data.source,
    isVerified: false,
  };
}

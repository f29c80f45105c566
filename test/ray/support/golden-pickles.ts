/** Every pickle that we write: its bytes, and what Python makes of them. */
import {
  pickleArguments,
  pickleClass,
  pickleJobConfig,
  picklePlain,
} from '../../../orchestrator/launchers/ray/client/pickle.js';

export interface GoldenPickle {
  readonly what: string;
  readonly bytes: Buffer;
  readonly hex: string;
  /** As Python writes it; of a JobConfig what of it we set. */
  readonly value: string;
}

const OPTIONS = { name: 'w', num_cpus: 0.5, memory: 2 ** 33, get_if_exists: true, runtime_env: null, resources: {} };

export const GOLDEN_PICKLES: readonly GoldenPickle[] = (
  [
    [
      'a class by its name',
      pickleClass('collections', 'OrderedDict'),
      '8004580b000000636f6c6c656374696f6e73580b0000004f72646572656444696374932e',
      "<class 'collections.OrderedDict'>",
    ],
    ['no arguments', pickleArguments(), '800428297d742e', '((), {})'],
    [
      'arguments',
      pickleArguments('a', ['é', 1], { k: false }),
      '8004282858010000006' + '15d285802000000c3a94a01000000657d2858010000006b8975747d742e',
      "(('a', ['é', 1], {'k': False}), {})",
    ],
    [
      'options',
      picklePlain(OPTIONS),
      '80047d2858040000006e616d65580100000077' +
        '58080000006e756d5f63707573473fe0000000000000' +
        '58060000006d656d6f72798a080000000002000000' +
        '580d0000006765745f69665f65786973747388' +
        '580b00000072756e74696d655f656e764e' +
        '58090000007265736f75726365737d752e',
      "{'name': 'w', 'num_cpus': 0.5, 'memory': 8589934592, 'get_if_exists': True, 'runtime_env': None, 'resources': {}}",
    ],
    [
      'a JobConfig',
      pickleJobConfig({ working_dir: 'gcs://_ray_pkg_1.zip' }, 'dss'),
      '8004580e0000007261792e6a6f625f636f6e66696758090000004a6f62436f6e66696793' +
        '284e4e7d28580b000000776f726b696e675f6469725814000000' +
        '6763733a2f2f5f7261795f706b675f312e7a69707589' +
        '7d580300000064737374522e',
      "({'working_dir': 'gcs://_ray_pkg_1.zip'}, 'dss', False)",
    ],
  ] as const
).map(([what, bytes, hex, value]) => ({ what, bytes, hex, value }));

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DEFAULT_SWEEP_OPTIONS } from '../../orchestrator/core/sweep/sweep-options.js';
import {
  decodeFromWorker,
  decodePart,
  decodeToWorker,
  decodeWatchEvent,
  encodeFromWorker,
  encodePart,
  encodeToWorker,
  encodeWatchEvent,
  MAX_TRIALS_PER_PART,
} from '../../orchestrator/wire/codec.js';
import * as client from '../../orchestrator/wire/generated/dss/v1/client.js';
import { FailureKind, type TrialResult } from '../../orchestrator/wire/generated/dss/v1/common.js';
import * as worker from '../../orchestrator/wire/generated/dss/v1/worker.js';
import * as any from '../support/arbitraries.js';
import { failureOf, trialIdOf, trialOf } from '../support/trials.js';

interface Message<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
}

/** As bytes and back. */
function sent<T>(type: Message<T>, message: T): T {
  return type.decode(type.encode(message).finish());
}

function holds<V, M>(values: fc.Arbitrary<V>, type: Message<M>, encode: (value: V) => M, decode: (message: M) => V) {
  fc.assert(fc.property(values, (value) => assert.deepEqual(decode(sent(type, encode(value))), value)));
}

const RESULT = { secondsByPhase: {}, environment: {} };

const WRONG_RESULTS: readonly (readonly [Partial<TrialResult>, RegExp])[] = [
  [{ testAccuracy: 1.5 }, /test_accuracy is 1\.5, expected a number from 0 to 1/],
  [{ testAccuracy: Number.POSITIVE_INFINITY }, /test_accuracy is Infinity, expected a finite number/],
  [{ choiceAccuracy: -1 }, /choice_accuracy is -1, expected a number from 0 to 1/],
  [{ seconds: -1 }, /seconds is -1, expected a number of at least 0/],
  [{ secondsByPhase: { train: Number.NaN } }, /seconds of phase train is NaN/],
  [{ examplesPerSecond: Number.NaN }, /examples_per_second is NaN/],
  [{ usefulTokensPerSecond: -1 }, /useful_tokens_per_second is -1/],
  [{ paddedTokensPerSecond: -1 }, /padded_tokens_per_second is -1/],
  [{ mfuUseful: -1 }, /mfu_useful is -1/],
  [{ mfuPadded: Number.NaN }, /mfu_padded is NaN/],
  [{ peakFlops: -1 }, /peak_flops is -1/],
  [{ peakMemoryBytes: 2n ** 63n }, /peak_memory_bytes is 9223372036854775808, too large/],
  [{ predictedMemoryBytes: 2n ** 63n }, /predicted_memory_bytes is 9223372036854775808, too large/],
];

describe('the codec', () => {
  it('brings over everything that a worker may say', () =>
    holds(any.fromWorker, worker.WorkerMessage, encodeFromWorker, decodeFromWorker));

  it('brings over everything that a worker may be told', () =>
    holds(any.toWorker, worker.ControlMessage, encodeToWorker, decodeToWorker));

  it('brings over any part of a sweep', () => holds(any.part, client.SubmitRequest, encodePart, decodePart));

  it('brings over everything that a watcher may be told', () =>
    holds(any.watchEvent, client.WatchEvent, encodeWatchEvent, decodeWatchEvent));

  it('takes options that are left out for those that a sweep has when nothing is said', () => {
    const { options, extend, rerun } = decodePart({ sweep: 'a', trials: [], options: undefined });
    assert.deepEqual([options, extend, rerun], [DEFAULT_SWEEP_OPTIONS, false, false]);
  });

  it('takes what another implementation leaves out for zero', () => {
    const lease = { trialId: trialIdOf(1) };
    const value = { lease, training: [{}], evaluations: [{ split: 'test' }] };
    assert.deepEqual(decodeFromWorker({ sequence: 1n, message: { $case: 'metrics', value } }), {
      kind: 'report',
      sequence: 1n,
      report: {
        kind: 'metrics',
        lease: { ...lease, attempt: 0, token: 0n },
        training: [{ step: 0, loss: 0 }],
        evaluations: [
          { step: 0, split: 'test', loss: 0, accuracy: 0, rows: 0, correct: new Uint8Array(), choiceAccuracy: null },
        ],
      },
    });
  });

  const lease = { trialId: trialIdOf(1), attempt: 1, token: 1n };
  const hello = { workerId: 'w', devices: [], versions: {}, running: [], slots: 1 };
  const failure = { ...failureOf('user'), kind: FailureKind.FAILURE_KIND_USER };
  const assign = (changes: object) => {
    const message = encodeToWorker({ kind: 'assign', lease, trial: trialOf(1) }).message;
    assert.ok(message?.$case === 'assign');
    return { message: { $case: 'assign' as const, value: { ...message.value, ...changes } } };
  };
  const budget = undefined;
  const submitted = (changes: Partial<client.SubmitRequest>) => () =>
    decodePart({ sweep: 'a', trials: [], options: undefined, ...changes });
  const said = (message: worker.WorkerMessage['message'], sequence?: bigint) => () =>
    decodeFromWorker({ sequence, message });

  const refused: readonly (readonly [string, () => unknown, RegExp])[] = [
    ['nothing at all', said(undefined), /says nothing/],
    [
      'a worker id that is a path',
      said({ $case: 'hello', value: { ...hello, workerId: '../w' } }),
      /worker_id is "\.\.\/w"/,
    ],
    ['no slot', said({ $case: 'hello', value: { ...hello, slots: 0 } }), /slots is 0/],
    ['a trial id that is a path', said({ $case: 'renew', value: { leases: [{ trialId: '../../etc' }] } }), /trial_id/],
    [
      'a report without a lease',
      said({ $case: 'finished', value: { lease: undefined, result: undefined, files: [] } }, 1n),
      /lease is missing/,
    ],
    ['a report without a number', said({ $case: 'drained', value: {} }), /has no number/],
    [
      'an end without a result',
      said({ $case: 'finished', value: { lease, result: undefined, files: [] } }, 1n),
      /result is missing/,
    ],
    [
      'a failure of no kind',
      said({ $case: 'failed', value: { lease, failure: { ...failure, kind: 0 } } }, 1n),
      /kind is missing/,
    ],
    [
      'a failure whose code is a sentence',
      said({ $case: 'failed', value: { lease, failure: { ...failure, code: 'oh no' } } }, 1n),
      /failure code/,
    ],
    [
      'fewer bits than rows',
      said(
        {
          $case: 'metrics',
          value: { lease, training: [], evaluations: [{ split: 'valid', rows: 9, correct: Buffer.alloc(1) }] },
        },
        1n,
      ),
      /1 bytes of bits for 9 rows/,
    ],
    ...([-0.1, 1.1, Number.NaN] as const).flatMap((wrong) =>
      (['accuracy', 'choiceAccuracy'] as const).map(
        (field) =>
          [
            `an evaluation whose ${field} is ${wrong}`,
            said(
              { $case: 'metrics', value: { lease, training: [], evaluations: [{ split: 'test', [field]: wrong }] } },
              1n,
            ),
            /accuracy is (-0\.1|1\.1|NaN), expected a (finite )?number/,
          ] as const,
      ),
    ),
    ...WRONG_RESULTS.map(
      ([changes, message]) =>
        [
          `a result with ${JSON.stringify(changes, (_, each) => (typeof each === 'object' ? each : String(each)))}`,
          said({ $case: 'finished', value: { lease, result: { ...RESULT, ...changes }, files: [] } }, 1n),
          message,
        ] as const,
    ),
    [
      'an unknown split',
      said({ $case: 'metrics', value: { lease, training: [], evaluations: [{ split: 'dev' }] } }, 1n),
      /split is "dev", expected valid or test/,
    ],
    [
      'a setting that is no word of ours',
      () => decodeToWorker(assign({ settings: { ...assign({}).message.value.settings, precision: 'int8' } })),
      /precision is "int8", expected fp32 or tf32 or bf16/,
    ],
    [
      'a setting that is not finite',
      () => decodeToWorker(assign({ settings: { ...assign({}).message.value.settings, lr: Number.NaN } })),
      /lr is NaN/,
    ],
    ['an assignment that does not say how to run', () => decodeToWorker(assign({ run: undefined })), /run is missing/],
    [
      'a way to run that is no word of ours',
      () => decodeToWorker(assign({ run: { ...assign({}).message.value.run, keep: 'all' } })),
      /keep is "all", expected none or last or best/,
    ],
    [
      'a teacher whose name is a path',
      () => decodeToWorker(assign({ settings: { ...assign({}).message.value.settings, llm: '../gpt' } })),
      /llm is "\.\.\/gpt"/,
    ],
    ['an assignment without a dataset', () => decodeToWorker(assign({ dataset: undefined })), /dataset is missing/],
    ['a sweep name with a slash', submitted({ sweep: 'a/b' }), /sweep is "a\/b"/],
    ['a priority beyond the last', submitted({ options: { priority: 101, budget } }), /priority is 101, expected/],
    ['no weight at all', submitted({ options: { weight: 0, budget } }), /weight is 0, expected a number above 0/],
    ['an endless weight', submitted({ options: { weight: Number.NaN, budget } }), /weight is NaN/],
    ['too much weight', submitted({ options: { weight: 1_001, budget } }), /above 0 and at most 1000/],
    ['a budget of no time', submitted({ options: { budget: { wallHours: 0 } } }), /budget wall_hours is 0, expected/],
    [
      'a budget without end',
      submitted({ options: { budget: { deviceHours: Number.POSITIVE_INFINITY } } }),
      /budget device_hours is Infinity/,
    ],
    ['a budget of no failure', submitted({ options: { budget: { failedTrials: 0 } } }), /budget failed_trials is 0/],
    ['a place in no JSON', submitted({ options: { budget, place: '{' } }), /place is no JSON/],
    ['a place that is none', submitted({ options: { budget, place: '{"on":"mars"}' } }), /place is not one, expected/],
    [
      'a pool that a person could have named',
      submitted({ options: { budget, place: '{"on":"ray","pools":["mine"]}' } }),
      /place is not one/,
    ],
    ['too much of a place', submitted({ options: { budget, place: ' '.repeat(300_000) } }), /300000 characters/],
    ['too many trials at once', submitted({ trials: new Array(MAX_TRIALS_PER_PART + 1).fill({}) }), /at most 2000/],
  ];
  for (const [what, decode, message] of refused) {
    it(`refuses ${what}`, () => assert.throws(decode, { name: 'WireError', message }));
  }
});

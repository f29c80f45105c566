import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { credentials, type ServiceError } from '@grpc/grpc-js';
import { bearer } from '../../orchestrator/control/tokens.js';
import { encodePart } from '../../orchestrator/wire/codec.js';
import { ClientServiceClient, ClientServiceService } from '../../orchestrator/wire/generated/dss/v1/client.js';
import type { WorkerMessage } from '../../orchestrator/wire/generated/dss/v1/worker.js';
import { TestPlane } from '../support/control-planes.js';
import { temporaryFolder } from '../support/dss.js';
import { partOf } from '../support/parts.js';
import { helloOf } from '../support/scripted-worker.js';
import { trialOf } from '../support/trials.js';

/** Each would be another place, or a device, if it became part of a path. */
const WRONG_IDS = ['../x', '..', '/etc/passwd', 'a/b', 'a\\b', 'a\0b', 'CON', 'a\n', 'a b', '.', ''];

type Ask = (client: ClientServiceClient, id: string) => Promise<string>;

function unary(call: (callback: (error: ServiceError | null) => void) => unknown): Promise<string> {
  return new Promise((resolve) => call((error) => resolve(error?.details ?? 'it was taken')));
}

function stream(call: {
  on(event: 'error', hear: (error: ServiceError) => void): { on(event: 'end', hear: () => void): unknown };
}): Promise<string> {
  return new Promise((resolve) =>
    call.on('error', ({ details }) => resolve(details)).on('end', () => resolve('it was taken')),
  );
}

describe('ids that are no ids', () => {
  let test: TestPlane;
  let client: ClientServiceClient;
  let metadata: ReturnType<typeof bearer>;
  let folder: ReturnType<typeof temporaryFolder>;
  before(async () => {
    folder = temporaryFolder();
    test = await TestPlane.start({ home: join(folder.path, 'state') });
    client = new ClientServiceClient(test.plane.address, credentials.createInsecure());
    metadata = bearer(test.plane.clientToken);
  });
  after(async () => {
    client.close();
    await test[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  const submit = (changes: Parameters<typeof partOf>[2]) => {
    const { owner: _, ...part } = partOf('a', [], changes);
    return encodePart(part);
  };
  /** By the RPC that takes them; `null`: it takes none. */
  const ASK: Readonly<Record<keyof typeof ClientServiceService, Readonly<Record<string, Ask>> | null>> = {
    submit: {
      sweep: (to, id) => unary((done) => to.submit(submit({ sweep: id }), metadata, done)),
      trial_id: (to, id) => {
        return unary((done) => to.submit(submit({ trials: [{ ...trialOf(1), trialId: id }] }), metadata, done));
      },
    },
    retry: { sweep: (to, id) => unary((done) => to.retry({ sweep: id }, metadata, done)) },
    pause: { sweep: (to, id) => unary((done) => to.pause({ sweep: id }, metadata, done)) },
    resume: { sweep: (to, id) => unary((done) => to.resume({ sweep: id }, metadata, done)) },
    cancel: { sweep: (to, id) => unary((done) => to.cancel({ sweep: id }, metadata, done)) },
    watch: { sweep: (to, id) => stream(to.watch({ sweep: id }, metadata)) },
    logs: { trial_id: (to, id) => stream(to.logs({ trialId: id, follow: false }, metadata)) },
    info: null,
    list: { sweep: (to, id) => unary((done) => to.list({ sweep: id, first: 0 }, metadata, done)) },
    standing: { trial_id: (to, id) => unary((done) => to.standing({ trialIds: [id] }, metadata, done)) },
    findTrials: { prefix: (to, id) => unary((done) => to.findTrials({ prefix: id, limit: 1 }, metadata, done)) },
    trials: {
      sweep: (to, id) => stream(to.trials({ of: { $case: 'sweep', value: id } }, metadata)),
      trial_id: (to, id) => stream(to.trials({ of: { $case: 'trialId', value: id } }, metadata)),
    },
    measurements: { sweep: (to, id) => stream(to.measurements({ sweep: id }, metadata)) },
    stop: null,
  };

  it('are tried on every RPC', () => {
    assert.deepEqual(Object.keys(ASK).sort(), Object.keys(ClientServiceService).sort());
  });

  for (const [rpc, fields] of Object.entries(ASK)) {
    for (const [field, ask] of Object.entries(fields ?? {})) {
      it(`are refused by ${rpc} as ${field}`, async () => {
        for (const id of WRONG_IDS) {
          const said = await ask(client, id);
          assert.ok(said.includes(`${field} is ${JSON.stringify(id)}, expected`), `${JSON.stringify(id)}: ${said}`);
        }
      });
    }
  }

  const lease = (trialId: string) => ({ trialId, attempt: 1, token: 1n });
  const SAY: Readonly<
    Record<string, (id: string) => { readonly message: WorkerMessage['message']; readonly field: string }>
  > = {
    renew: (id) => ({ field: 'trial_id', message: { $case: 'renew', value: { leases: [lease(id)] } } }),
    progress: (id) => ({ field: 'trial_id', message: { $case: 'progress', value: { lease: lease(id), files: [] } } }),
    metrics: (id) => ({
      field: 'trial_id',
      message: { $case: 'metrics', value: { lease: lease(id), training: [], evaluations: [] } },
    }),
    log: (id) => ({ field: 'trial_id', message: { $case: 'log', value: { lease: lease(id), lines: [] } } }),
    checkpoint: (id) => ({
      field: 'trial_id',
      message: { $case: 'checkpoint', value: { lease: lease(id), files: [] } },
    }),
    finished: (id) => ({
      field: 'trial_id',
      message: { $case: 'finished', value: { lease: lease(id), result: undefined, files: [] } },
    }),
    failed: (id) => ({
      field: 'trial_id',
      message: { $case: 'failed', value: { lease: lease(id), failure: undefined } },
    }),
  };
  for (const [kind, say] of Object.entries(SAY)) {
    it(`are refused in a worker's "${kind}"`, async () => {
      for (const id of WRONG_IDS) {
        const worker = test.worker({ workerId: 'w' });
        await worker.next('welcome');
        const { message, field } = say(id);
        worker.sayRaw({ sequence: 1n, message });
        assert.ok((await worker.ended).includes(`${field} is ${JSON.stringify(id)}, expected`), JSON.stringify(id));
        worker.close();
      }
    });
  }

  for (const field of ['workerId', 'instanceId'] as const) {
    it(`are refused as a worker's ${field}`, async () => {
      for (const id of WRONG_IDS.filter((each) => !(field === 'instanceId' && each === 'CON'))) {
        const worker = test.worker({ ...helloOf(), [field]: id });
        assert.match(await worker.ended, /(worker|instance)_id is .*, expected/, JSON.stringify(id));
        worker.close();
      }
    });
  }

  it('leave nothing behind, in the state folder or beside it', async () => {
    assert.deepEqual(await test.client.list(), []);
    const names = readdirSync(folder.path, { recursive: true, encoding: 'utf8' });
    const own = /^state(\/(control\.(json|lock.*)|journal\.db.*|logs|id))?$/;
    assert.deepEqual(
      names.filter((name) => !own.test(name)),
      [],
    );
  });
});

/** Fuzzes both ports of a control plane and asks again and again whether it is well. */
import assert from 'node:assert/strict';
import { seededRandom } from '../../orchestrator/core/statistics/random.js';
import { fuzzGrpc, fuzzHttp, type Target } from './fuzz.js';
import { trialsOf } from './trials.js';
import { TestWeb } from './web-page.js';

export interface FuzzRun {
  readonly http: number;
  readonly grpc: number;
  readonly rssMiB: { readonly before: number; readonly most: number };
}

const PER_ROUND = 8;
/** Beyond what it had at first: buffers of what is under way, and no more. */
const MOST_MIB = 400;

/** @throws AssertionError when anything is not as it was; the seed and the round say where */
export async function fuzzFor({
  seed,
  rounds = Number.POSITIVE_INFINITY,
  untilMs = Number.POSITIVE_INFINITY,
}: {
  readonly seed: number;
  readonly rounds?: number;
  /** Of `performance.now()`. */
  readonly untilMs?: number;
}): Promise<FuzzRun> {
  await using web = await TestWeb.start();
  const { plane } = web.plane;
  const random = seededRandom(seed);
  await web.plane.client.submit('s', trialsOf(2), { retryFailed: false });
  await web.plane.client.pause('s');
  const tokens = ['', plane.clientToken, plane.joinToken];
  const targets = { http: targetOf(new URL(web.server.url).host), grpc: targetOf(plane.address) };
  const rssMiB = { before: mebibytes(), most: 0 };
  let sent = 0;
  for (let round = 0; round < rounds && performance.now() < untilMs; round += 1) {
    const all = Array.from({ length: PER_ROUND }, (_, each) => {
      return each % 2 === 0 ? fuzzHttp(targets.http, random, ['x']) : fuzzGrpc(targets.grpc, random, tokens);
    });
    await Promise.all(all);
    sent += PER_ROUND / 2;
    if (round % 10 > 0) continue;
    rssMiB.most = Math.max(rssMiB.most, mebibytes());
    const at = `seed ${seed}, round ${round}`;
    assert.ok(plane.view.isLending(), at);
    const { version } = await web.plane.client.info();
    assert.equal(typeof version, 'string', at);
    const record = plane.view.journal.sweep('s');
    // A good token among the nonsense may resume the sweep, and a sound Hello be lent of it: no result comes of that.
    const { succeeded, ...others } = record?.counts ?? { succeeded: -1 };
    const left = Object.values(others).reduce((sum, trials) => sum + trials, 0);
    assert.deepEqual([succeeded, left], [0, 2], at);
    assert.ok(rssMiB.most - rssMiB.before < MOST_MIB, `${at}: ${rssMiB.most} MiB`);
  }
  return { http: sent, grpc: sent, rssMiB };
}

function mebibytes(): number {
  return Math.round(process.memoryUsage().rss / 2 ** 20);
}

function targetOf(address: string): Target {
  const [host = '', port = ''] = address.split(':');
  return { host, port: Number(port) };
}

import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { type HubParts, hubAsker, whyOutOfReach } from '../../orchestrator/cli/plan/hub-asker.js';
import { askAhead, planSpec } from '../../orchestrator/cli/plan/plan-spec.js';
import { parseSweepValue } from '../../orchestrator/core/sweep/sweep-spec.js';
import type { HubRequest } from '../../orchestrator/sources/hub-models.js';
import { temporaryFolder } from '../support/dss.js';

const MESSAGE =
  'maker/one cannot be had: it is not in the cache (/c), and the hub cannot be reached: HF_HUB_OFFLINE is set';

/** Who asks, and what of whom was asked. */
function asker(why: string | null, changes: Partial<HubParts> = {}) {
  const asked: string[] = [];
  const said: string[] = [];
  const reply = (whom: string) => async (request: HubRequest) => {
    asked.push(`${whom}: ${request.models.map(({ name }) => name).join(' ')}`);
    return {
      models: request.models.map(({ name }) => ({
        name,
        directory: '',
        revision: '',
        weights: [],
        missing_bytes: 0,
        problem: { code: 'MODEL_MISSING', message: MESSAGE, hint: '' },
        weights_problem: null,
      })),
    };
  };
  const ask = hubAsker({
    ask: reply('hub'),
    askCacheOnly: reply('disk'),
    whyOutOfReach: async () => {
      asked.push('reached?');
      return why;
    },
    say: (line) => said.push(line),
    ...changes,
  });
  return { ask, asked, said };
}

const requestOf = (...names: string[]): HubRequest => ({
  models: names.map((name) => ({ name, weights: true })),
  download: false,
});
const SPECS = ['maker/one', 'maker/two'].map((model) => ({
  spec: parseSweepValue({ sweep: 'a', grid: { models: [model], datasets: ['cqa'] } }, ''),
  directory: '/nowhere',
}));

describe('whoever plans with hub models', () => {
  it('tries once whether the hub is there, and asks for each model once', async () => {
    const { ask, asked } = asker(null);
    await ask(requestOf('maker/one', 'maker/two'));
    await ask(requestOf('maker/two', 'maker/three'));
    assert.deepEqual(asked, ['reached?', 'hub: maker/one maker/two', 'hub: maker/three']);
  });

  it('asks no hub that cannot be reached, and says why it could not', async () => {
    const { ask, asked } = asker('no such host');
    await ask(requestOf('maker/two'));
    const { models } = (await ask(requestOf('maker/one'))) as { models: { problem: { message: string } }[] };
    assert.deepEqual(asked, ['reached?', 'disk: maker/two', 'disk: maker/one']);
    assert.match(models[0]?.problem.message ?? '', /^maker\/one .*, and the hub cannot be reached: no such host$/);
  });

  it('asks for the models of several sweeps at once', async () => {
    using folder = temporaryFolder();
    const { ask, asked } = asker(null);
    const flags = { home: folder.path, datasets: folder.path };
    await askAhead(SPECS, flags, ask);
    for (const { spec, directory } of SPECS) await planSpec(spec, directory, flags, undefined, ask);
    assert.deepEqual(asked, ['reached?', 'hub: maker/one maker/two']);
  });

  it('says what it waits for, where that takes long', async () => {
    let answered = () => {};
    const { ask, said } = asker(null, {
      patienceMs: 0,
      say: (line) => {
        said.push(line);
        answered();
      },
      ask: async ({ models }) => {
        await new Promise<void>((resolve) => {
          answered = resolve;
        });
        return { models };
      },
    });
    await ask(requestOf('maker/one', 'maker/two'));
    assert.deepEqual(said, ['waiting for the hub to tell of maker/one, maker/two']);
  });
});

describe('whether the hub can be reached', () => {
  it('is known by a connection to it', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const HF_ENDPOINT = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    assert.equal(await whyOutOfReach({ HF_ENDPOINT }), null);
    await new Promise((resolve) => server.close(resolve));
    assert.match((await whyOutOfReach({ HF_ENDPOINT })) ?? '', /ECONNREFUSED/);
    // By way of a proxy nobody knows before it was asked.
    assert.equal(await whyOutOfReach({ HF_ENDPOINT, HTTPS_PROXY: 'http://proxy:1' }), null);
    assert.equal(await whyOutOfReach({ HF_ENDPOINT: 'no address' }), null);
  });
});

import assert from 'node:assert/strict';
import { type PlaceChoice, withPlace } from '../../orchestrator/cli/places/chosen-place.js';
import { raySettingsOf } from '../../orchestrator/core/sweep/places/ray-settings.js';
import { parseSweepValue } from '../../orchestrator/core/sweep/sweep-spec.js';

const GRID = { models: ['m'], datasets: ['cqa'] };

function placed(run: object | undefined, choice: PlaceChoice) {
  return withPlace(
    parseSweepValue({ sweep: 'a', grid: GRID, ...(run === undefined ? {} : { run }) }, 'x.yaml'),
    choice,
  );
}

describe('a sweep that runs elsewhere than its file says', () => {
  it('goes to the cluster that the command names', () => {
    const { run } = placed(undefined, { on: 'ray', rayAddress: 'http://head:8265' });
    assert.equal(run.on, 'ray');
    assert.equal(raySettingsOf(run.options.place.settings).address, 'http://head:8265');
  });

  it('keeps what its file asks of workers there, with another address or an untested version', () => {
    const run = { on: 'ray', address: 'http://head:8265', ray: { cpus: 2 } };
    const other = raySettingsOf(placed(run, { rayAddress: 'ray://other:1' }).run.options.place.settings);
    assert.deepEqual([other.address, other.worker.cpus, other.allowUntestedRay], ['ray://other:1', 2, false]);
    const untested = raySettingsOf(placed(run, { allowUntestedRay: true }).run.options.place.settings);
    assert.deepEqual([untested.address, untested.worker.cpus], ['http://head:8265', 2]);
    assert.equal(untested.allowUntestedRay, true);
    const bare = placed(undefined, { on: 'ray', allowUntestedRay: true });
    assert.equal(raySettingsOf(bare.run.options.place.settings).allowUntestedRay, true);
  });

  it('leaves what its file says of another place', () => {
    const { run } = placed({ on: 'ray', address: 'http://head:8265', priority: 3 }, { on: 'local' });
    assert.deepEqual([run.on, run.options.place.settings, run.options.priority], ['local', {}, 3]);
  });

  const wrong: readonly (readonly [PlaceChoice, RegExp])[] = [
    [{ rayAddress: 'http://head:8265' }, /^--ray-address: it is for --on ray/],
    [{ allowUntestedRay: true }, /^--allow-untested-ray: it is for --on ray/],
    [{ on: 'ray', rayAddress: 'ftp://head' }, /^--ray-address: expected ray:\/\/HOST:PORT.*, got "ftp:\/\/head"/],
    [{ on: 'slurm' }, /^--on: expected local or kubernetes or ray, got "slurm"/],
  ];
  for (const [choice, message] of wrong) {
    it(`is refused with ${JSON.stringify(choice)}`, () => {
      assert.throws(() => placed(undefined, choice), { code: 'USAGE', message });
    });
  }
});

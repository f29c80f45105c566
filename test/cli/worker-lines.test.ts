import assert from 'node:assert/strict';
import { workerTable, workerValue } from '../../orchestrator/cli/watch/worker-lines.js';
import type { WorkerStanding } from '../../orchestrator/core/worker-standing.js';

const GIB = 2 ** 30;
const IDLE: WorkerStanding = {
  workerId: 'w-1',
  host: 'here',
  slots: 1,
  lent: 0,
  state: 'idle',
  reason: '',
  devices: ['a core'],
  load: null,
  running: [],
};

function rowOf(worker: Partial<WorkerStanding>): readonly string[] {
  return (workerTable([{ ...IDLE, ...worker }]).split('\n')[2] ?? '').split(/ {2,}/);
}

const RUNNING = {
  trialId: '0123456789abcdef0123',
  step: 7,
  maxSteps: 9,
  loss: 1,
  examplesPerSecond: 2,
  phase: 'train',
};

describe('the table of workers', () => {
  it('says how busy each device is, whoever keeps it so, and how full they are together', () => {
    const devices = [
      { utilization: 0.874, memoryUsedBytes: 10 * GIB, memoryTotalBytes: 80 * GIB },
      { utilization: null, memoryUsedBytes: 2.5 * GIB, memoryTotalBytes: 80 * GIB },
    ];
    const row = rowOf({ devices: ['gpu', 'gpu'], lent: 1, state: 'busy', load: { devices, warm: 1 } });
    assert.deepEqual(row, ['w-1', 'here', 'gpu, gpu', '87, ? %', '12.5 of 160.0 GiB', '1', '1', 'busy']);
    const [titles = ''] = workerTable([{ ...IDLE, load: { devices, warm: 1 } }]).split('\n');
    assert.match(titles, / device load +memory /, 'an idle worker beside 87 % is no contradiction');
  });

  it('has no columns for what nobody says', () => {
    assert.deepEqual(workerTable([IDLE]).split('\n')[0]?.split(/ {2,}/), [
      'worker',
      'host',
      'devices',
      'slots',
      'lent',
      'state',
    ]);
  });

  it('says that processes are not up yet, which is why nothing goes on', () => {
    assert.equal(rowOf({ state: 'busy', load: { devices: [], warm: 0 } }).at(-1), 'busy, starting');
    assert.equal(rowOf({ state: 'busy', load: { devices: [], warm: 1 } }).at(-1), 'busy');
    assert.equal(rowOf({ state: 'gone', load: { devices: [], warm: 0 } }).at(-1), 'gone');
  });

  it('shows a host that would steer the terminal', () => {
    assert.equal(rowOf({ host: '\u001b[31mred' })[1], '\\u001b[31mred');
  });

  it('gives scripts what it shows and the trials that run', () => {
    const load = { devices: [{ utilization: 0.5, memoryUsedBytes: 1, memoryTotalBytes: 2 }], warm: 1 };
    assert.deepEqual(workerValue({ ...IDLE, load, running: [RUNNING] }), {
      worker: 'w-1',
      host: 'here',
      devices: ['a core'],
      slots: 1,
      lent: 0,
      state: 'idle',
      reason: '',
      load,
      running: ['0123456789abcdef0123'],
    });
  });
});

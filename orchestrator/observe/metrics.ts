/**
 * Numbers for Prometheus. Labels have few values whatever users and workers send: states and outcomes are ours, codes and
 * sweeps beyond a limit are put together under one name.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { JournalEvent } from '../core/events.js';
import { NO_TRIALS } from '../core/watch-event.js';
import type { DeviceLoad, WorkerStanding } from '../core/worker-standing.js';
import type { EventListener, PlaneView } from './plane-view.js';

export interface Metrics {
  text(): Promise<{ readonly type: string; readonly text: string }>;
  close(): void;
}

/** The newest; the others are in their sum. */
const MAX_SWEEPS = 50;
const MAX_CODES = 50;
/** Of the workers that joined first. */
const MAX_DEVICES = 256;
const OTHERS = 'other';
const WORKER_STATES: readonly WorkerStanding['state'][] = ['idle', 'busy', 'gone', 'draining', 'drained'];
/** From no-op trials to a week. */
const SECONDS = [1, 5, 15, 60, 300, 900, 3_600, 14_400, 43_200, 86_400, 259_200, 604_800];

export function createMetrics(view: PlaneView, version: string): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  showPlane(registry, view, version);
  showSweeps(registry, view);
  showWorkers(registry, view);
  showDevices(registry, view);
  const forget = view.onEvents(countEvents(registry));
  return {
    text: async () => ({ type: registry.contentType, text: await registry.metrics() }),
    close: () => {
      forget();
      registry.clear();
    },
  };
}

function showPlane(registry: Registry, view: PlaneView, version: string): void {
  const registers = [registry];
  new Gauge({ name: 'dss_build_info', help: 'Always 1', labelNames: ['version'], registers }).set({ version }, 1);
  new Gauge({
    name: 'dss_lending',
    help: '1 while trials are lent; 0 while the control plane drains, and after it cannot go on',
    registers,
    collect() {
      this.set(view.isLending() ? 1 : 0);
    },
  });
}

function showSweeps(registry: Registry, view: PlaneView): void {
  new Gauge({
    name: 'dss_sweep_trials',
    help: `Trials of a sweep by state; of the ${MAX_SWEEPS} newest sweeps, and of all others together`,
    labelNames: ['sweep', 'state'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [place, { sweep, counts }] of view.journal.sweeps().entries()) {
        for (const [state, trials] of Object.entries({ ...NO_TRIALS, ...counts })) {
          // A sweep cannot have this name: they begin with a letter or digit.
          this.inc({ sweep: place < MAX_SWEEPS ? sweep : '(others)', state }, trials);
        }
      }
    },
  });
}

function showWorkers(registry: Registry, view: PlaneView): void {
  const registers = [registry];
  new Gauge({
    name: 'dss_workers',
    help: 'Workers by state',
    labelNames: ['state'],
    registers,
    collect() {
      const workers = view.workers();
      for (const state of WORKER_STATES) this.set({ state }, workers.filter((each) => each.state === state).length);
    },
  });
  const sumGauge = (name: string, help: string, pick: (worker: WorkerStanding) => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(view.workers().reduce((sum, worker) => sum + pick(worker), 0));
      },
    });
  sumGauge('dss_worker_slots', 'Attempts that the connected workers can run at once', ({ slots, state }) => {
    return state === 'gone' ? 0 : slots;
  });
  sumGauge('dss_leases', 'Attempts that workers run or hold ready', ({ lent }) => lent);
  sumGauge('dss_worker_warm_processes', 'Training processes that are up, their libraries loaded', ({ load }) => {
    return load?.warm ?? 0;
  });
}

/** Each device of each worker; what is unknown is left out. */
function showDevices(registry: Registry, view: PlaneView): void {
  const deviceGauge = (name: string, help: string, pick: (load: DeviceLoad) => number | null) =>
    new Gauge({
      name,
      help: `${help}; of the first ${MAX_DEVICES} devices`,
      labelNames: ['worker', 'device'],
      registers: [registry],
      collect() {
        this.reset();
        const loads = view.workers().flatMap(({ workerId, load }) =>
          (load?.devices ?? []).map((each, device) => ({
            worker: workerId,
            device: String(device),
            value: pick(each),
          })),
        );
        for (const { value, ...labels } of loads.slice(0, MAX_DEVICES)) if (value !== null) this.set(labels, value);
      },
    });
  deviceGauge('dss_device_utilization_ratio', "Share of a device's time that it was busy, by whomever", (load) => {
    return load.utilization;
  });
  deviceGauge('dss_device_memory_used_bytes', 'Memory of a device that is in use, by whomever', (load) => {
    return load.memoryTotalBytes === 0 ? null : load.memoryUsedBytes;
  });
  deviceGauge('dss_device_memory_bytes', 'Memory that a device has', (load) => load.memoryTotalBytes || null);
}

/** Gives what is to hear of them. */
function countEvents(registry: Registry): EventListener {
  const registers = [registry];
  const attempts = new Counter({
    name: 'dss_attempts_total',
    help: 'Attempts that have ended in this life of the control plane, by how',
    labelNames: ['outcome'],
    registers,
  });
  for (const outcome of ['succeeded', 'failed', 'requeued', 'cancelled']) attempts.inc({ outcome }, 0);
  const failures = new Counter({
    name: 'dss_attempt_failures_total',
    help: 'Attempts that failed, by code; those that are tried again too',
    labelNames: ['code'],
    registers,
  });
  const lent = new Counter({ name: 'dss_attempts_started_total', help: 'Attempts lent to workers', registers });
  const checkpoints = new Counter({ name: 'dss_checkpoints_total', help: 'Checkpoints written', registers });
  const evaluations = new Counter({ name: 'dss_evaluations_total', help: 'Evaluations reported', registers });
  const seconds = new Histogram({
    name: 'dss_trial_duration_seconds',
    help: 'Time of attempts that succeeded',
    buckets: SECONDS,
    registers,
  });
  const codes = new Set<string>();
  const codeOf = (code: string) => {
    if (codes.size < MAX_CODES) codes.add(code);
    return codes.has(code) ? code : OTHERS;
  };
  const count = (event: JournalEvent) => {
    switch (event.kind) {
      case 'begun':
        return lent.inc();
      case 'succeeded':
        seconds.observe(event.result.seconds);
        return attempts.inc({ outcome: 'succeeded' });
      case 'failed':
      case 'requeued':
        if (event.failure !== null) failures.inc({ code: codeOf(event.failure.code) });
        return attempts.inc({ outcome: event.kind });
      case 'cancelled':
        return event.lease === null ? undefined : attempts.inc({ outcome: 'cancelled' });
      case 'checkpointed':
        return checkpoints.inc();
      case 'measured':
        return evaluations.inc(event.evaluations.length);
    }
  };
  return (events) => events.forEach(count);
}

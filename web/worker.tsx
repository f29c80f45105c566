/** A worker: how busy its devices are, whether its processes are up, what they run and how far that is. */
import type { DeviceLoad, TrialProgress, WorkerInfo, WorkerNow } from './api.js';
import type { Board } from './board.js';
import { follow } from './location.js';
import { counted, modelName, sizeName } from './words.js';

interface WorkerProps {
  readonly worker: WorkerInfo;
  /** As events tell it, sooner than it was asked. */
  readonly now: WorkerNow | undefined;
  readonly board: Board;
  readonly linkTo: (trialId: string) => string;
}

export function Worker({ worker, now, board, linkTo }: WorkerProps) {
  const { workerId, host, devices, slots, state, reason, load, running } = worker;
  const isUp = state === 'idle' || state === 'busy';
  const doing = now?.running ?? running;
  const own = doing.filter(({ trialId }) => board.find(trialId) >= 0);
  const others = doing.length - own.length;
  return (
    <li>
      <p class="worker-name">
        <span class={`lamp ${state}`} aria-hidden="true" />
        <b>{workerId}</b> <span class="quiet small">{state}</span>
        {isUp && load !== null ? <Warmth warm={load.warm} slots={slots} /> : null}
      </p>
      <p class="quiet small">
        {load === null ? `${[...new Set(devices)].join(', ')} on ${host}` : `on ${host}`}
        {reason === '' ? '' : `: ${reason}`}
      </p>
      {load?.devices.map((each, place) => (
        // Devices have no other name than their place.
        <Device key={place} name={devices[place] ?? ''} place={devices.length > 1 ? place : null} load={each} />
      ))}
      {own.map((progress) => (
        <Doing key={progress.trialId} progress={progress} board={board} linkTo={linkTo} />
      ))}
      {others > 0 ? <p class="quiet small">{counted(others, 'trial')} of another sweep</p> : null}
    </li>
  );
}

function Warmth({ warm, slots }: { warm: number; slots: number }) {
  if (warm < slots) {
    const title = 'Training processes are being started: the next trial waits for their libraries to load';
    return (
      <span class="tag" title={title}>
        {warm === 0 ? 'starting' : `${warm} of ${slots} warm`}
      </span>
    );
  }
  return (
    <span class="tag warm" title="Training processes are up: the next trial need not wait for libraries to load">
      warm
    </span>
  );
}

function Device({ name, place, load }: { name: string; place: number | null; load: DeviceLoad }) {
  const { utilization, memoryUsedBytes, memoryTotalBytes } = load;
  const memory = memoryTotalBytes === 0 ? '' : `${gibibytes(memoryUsedBytes)} of ${gibibytes(memoryTotalBytes)} GiB`;
  return (
    <div class="device small">
      <p class="quiet">
        {place === null ? '' : `${place}: `}
        {name}
      </p>
      {utilization === null ? null : (
        <Gauge label="load" share={utilization} text={`${Math.round(utilization * 100)} %`} />
      )}
      {memory === '' ? null : (
        <Gauge label="memory" share={memoryUsedBytes / memoryTotalBytes} text={memory} isBadWhenFull />
      )}
    </div>
  );
}

interface GaugeProps {
  readonly label: string;
  readonly share: number;
  readonly text: string;
  /** A busy device is as it should be. */
  readonly isBadWhenFull?: boolean;
}

function Gauge({ label, share, text, isBadWhenFull = false }: GaugeProps) {
  return (
    <p class="gauge">
      <span class="quiet">{label}</span>
      <svg class="progress thin" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">
        <rect class="bar queued" width="1000" height="10" />
        <rect
          class={`bar ${isBadWhenFull && share > 0.95 ? 'full' : 'used'}`}
          width={Math.min(1, share) * 1000}
          height="10"
        />
      </svg>
      <span>{text}</span>
    </p>
  );
}

interface DoingProps {
  readonly progress: TrialProgress;
  readonly board: Board;
  readonly linkTo: (trialId: string) => string;
}

function Doing({ progress, board, linkTo }: DoingProps) {
  const { trialId, step, maxSteps } = progress;
  const place = board.find(trialId);
  const { row, group, method, size } = board.cell(place);
  const share = maxSteps === 0 ? 0 : Math.min(1, step / maxSteps);
  return (
    <p class="small doing">
      <a href={linkTo(trialId)} onClick={follow}>
        {modelName(row)} · {group} · {method} · {sizeName(size)} · seed {board.seeds[place]}
      </a>
      <svg class="progress thin" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">
        <rect class="bar queued" width="1000" height="10" />
        <rect class="bar running" width={share * 1000} height="10" />
      </svg>
      <span class="quiet">{progressText(progress)}</span>
    </p>
  );
}

export function progressText({ phase, step, maxSteps, loss, examplesPerSecond }: TrialProgress): string {
  const parts = [
    phase === '' ? 'starting' : phase,
    `step ${step.toLocaleString('en')} of ${maxSteps.toLocaleString('en')}`,
    ...(loss === null || step === 0 ? [] : [`loss ${loss.toPrecision(3)}`]),
    ...((examplesPerSecond ?? 0) > 0 ? [`${Math.round(examplesPerSecond ?? 0)} rows/s`] : []),
  ];
  return parts.join(' · ');
}

function gibibytes(bytes: number): string {
  const value = bytes / 2 ** 30;
  return value.toFixed(value < 10 ? 1 : 0);
}

/** One trial: its cause of failure first, then curves, settings and the end of its log. */
import { useEffect, useState } from 'preact/hooks';
import { type ApiError, type Curves, read, STATES, type TrialInfo } from './api.js';
import type { Board } from './board.js';
import { Curve, linesOf } from './curve.js';
import { Dot } from './dots.js';
import { keepAsking } from './keep-asking.js';
import { Panel, PanelTrouble } from './panel.js';
import { Ticked } from './ticked.js';
import { ago, duration, modelName, percent, short, sizeName } from './words.js';
import { progressText } from './worker.js';

interface Log {
  readonly lines: readonly string[];
  readonly left: number;
}

const LOOK_EVERY_MS = 2_000;

function useTrial(trialId: string, tokenVersion: number) {
  const [trial, setTrial] = useState<TrialInfo | null>(null);
  const [curves, setCurves] = useState<Curves | null>(null);
  const [log, setLog] = useState<Log | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  useEffect(() => {
    const look = async (signal: AbortSignal) => {
      const now = await read<TrialInfo>(`/trials/${trialId}`, signal);
      setTrial(now);
      setCurves(await read<Curves>(`/trials/${trialId}/curves`, signal));
      setLog(await read<Log>(`/trials/${trialId}/log?lines=300`, signal));
      return now.state === 'queued' || now.state === 'running' ? LOOK_EVERY_MS : null;
    };
    return keepAsking(look, setError);
  }, [trialId, tokenVersion]);
  return { trial, curves, log, error };
}

export interface TrialPanelProps {
  readonly board: Board;
  readonly trialId: string;
  readonly tokenVersion: number;
  readonly onClose: () => void;
}

export function TrialPanel({ board, trialId, tokenVersion, onClose }: TrialPanelProps) {
  const { trial, curves, log, error } = useTrial(trialId, tokenVersion);
  const lines = curves === null ? null : linesOf(curves);
  return (
    <Panel title={`Trial ${short(trialId)}`} onClose={onClose}>
      {error === null ? null : <PanelTrouble error={error} isEmpty={trial === null} />}
      {trial === null ? null : <Standing trial={trial} board={board} />}
      {trial?.failure == null ? null : <Failed failure={trial.failure} isOver={trial.state === 'failed'} />}
      {lines === null || lines.accuracy.length === 0 ? null : (
        <Curve
          title="Accuracy"
          lines={lines.accuracy}
          format={(value) => `${Number(percent(value, 2))} %`}
          bounds={[0, 1]}
        />
      )}
      {lines === null || lines.loss.length === 0 ? null : (
        <Curve title="Loss" lines={lines.loss} format={(value) => Number(value.toPrecision(3)).toString()} />
      )}
      {log === null ? null : (
        <section>
          <h3>Log</h3>
          {log.lines.length === 0 ? (
            <p class="quiet small">It has said nothing yet.</p>
          ) : (
            <pre class="log" role="region" tabIndex={0} aria-label="End of the log">
              {log.left > 0 ? `… ${log.left} older lines: dss logs ${short(trialId)}\n` : ''}
              {log.lines.join('\n')}
            </pre>
          )}
        </section>
      )}
      {trial === null ? null : (
        <>
          <Values title="Settings" values={trial.settings} isOpen />
          <Values title="Environment" values={trial.environment} />
        </>
      )}
      <p class="quiet small id">{trialId}</p>
    </Panel>
  );
}

function Standing({ trial, board }: { trial: TrialInfo; board: Board }) {
  const { state, accuracy, seconds, attempts, startedAtUnixMs, endedAtUnixMs } = trial;
  const when = endedAtUnixMs ?? startedAtUnixMs;
  const now = state === 'running' ? board.progressOf(trial.trialId) : undefined;
  return (
    <>
      <p class="quiet small">{placeOf(trial, board)}</p>
      <p class="trial-state">
        <Dot state={STATES.indexOf(state)} /> <b>{state}</b>
        <span class="quiet small">
          {attempts > 1 ? `attempt ${attempts} · ` : ''}
          {seconds === null ? '' : `${duration(seconds)} · `}
          {when === null ? '' : ago(when)}
        </span>
        {accuracy === null ? null : (
          <span class="big">
            {percent(accuracy, 2)} <small>% test accuracy</small>
          </span>
        )}
      </p>
      {now === undefined ? null : <p class="quiet small">{progressText(now)}</p>}
    </>
  );
}

/** In the words of the matrix, where it is one of this sweep. */
function placeOf({ trialId, settings }: TrialInfo, board: Board): string {
  const place = board.find(trialId);
  const seed = `seed ${String(settings['seed'])}`;
  if (place < 0) return `${String(settings['model'])} · ${String(settings['dataset'])} · ${seed}`;
  const { row, group, method, size } = board.cell(place);
  return [modelName(row), group, method, sizeName(size), seed].join(' · ');
}

function Failed({ failure, isOver }: { failure: NonNullable<TrialInfo['failure']>; isOver: boolean }) {
  return (
    <section class="failed-box" aria-label="Cause">
      <p>
        <code class="code">{failure.code}</code> <Ticked text={failure.message} />
      </p>
      {failure.hint === '' ? null : (
        <p class="small">
          Next step: <Ticked text={failure.hint} />
        </p>
      )}
      {isOver ? null : <p class="quiet small">Of an earlier attempt; it is tried again.</p>}
      {failure.detail === '' ? null : (
        <details>
          <summary>Detail</summary>
          <pre>{failure.detail}</pre>
        </details>
      )}
    </section>
  );
}

export function Values({
  title,
  values,
  isOpen = false,
}: {
  title: string;
  values: Readonly<Record<string, unknown>>;
  isOpen?: boolean;
}) {
  const entries = Object.entries(values).filter(([, value]) => value !== null && value !== '');
  if (entries.length === 0) return null;
  return (
    <details open={isOpen}>
      <summary>{title}</summary>
      <dl>
        {entries.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{String(value)}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}

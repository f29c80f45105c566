/** All sweeps, the newest first. */
import { useEffect, useState } from 'preact/hooks';
import { ApiError, read, STATES, type SweepInfo } from './api.js';
import { follow } from './location.js';
import { Bar, standingWord, Trouble } from './progress.js';
import { ago, counted } from './words.js';

const LOOK_EVERY_MS = 3_000;

export function SweepList({ tokenVersion }: { tokenVersion: number }) {
  const [sweeps, setSweeps] = useState<readonly SweepInfo[] | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  useEffect(() => {
    const ended = new AbortController();
    const look = () => {
      read<{ sweeps: readonly SweepInfo[] }>('/sweeps', ended.signal)
        .then((answer) => {
          setSweeps(answer.sweeps);
          setError(null);
        })
        .catch((reason: unknown) => {
          if (!ended.signal.aborted && reason instanceof ApiError) setError(reason);
        });
    };
    look();
    const timer = setInterval(look, LOOK_EVERY_MS);
    return () => {
      ended.abort();
      clearInterval(timer);
    };
  }, [tokenVersion]);
  return (
    <main id="main">
      <h1>Sweeps</h1>
      {error === null ? null : <Trouble error={error} />}
      {sweeps?.length === 0 ? <p class="quiet">None yet. `dss sweep FILE` submits one.</p> : null}
      <ul class="sweeps">
        {sweeps?.map((sweep) => (
          <li key={sweep.sweep}>
            <a href={`/sweeps/${sweep.sweep}`} onClick={follow}>
              <span class="name">
                <b>{sweep.sweep}</b> <span class={`pill ${standingWord(sweep)}`}>{standingWord(sweep)}</span>
              </span>
              <Bar counts={STATES.map((state) => sweep.counts[state])} total={sweep.total} />
              <span class="quiet small">
                {sweep.counts.succeeded.toLocaleString('en')} of {counted(sweep.total, 'trial')} done
                {sweep.counts.failed > 0 ? `, ${sweep.counts.failed.toLocaleString('en')} failed` : ''} · submitted{' '}
                {ago(sweep.submittedAtUnixMs)}
                {sweep.owner === '' ? '' : ` by ${sweep.owner}`}
              </span>
            </a>
          </li>
        ))}
      </ul>
    </main>
  );
}

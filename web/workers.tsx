/** Who works, on what, and how far each is. */
import { useEffect, useState } from 'preact/hooks';
import { read, type WorkerInfo } from './api.js';
import type { Board } from './board.js';
import { counted } from './words.js';
import { Worker } from './worker.js';

const LOOK_EVERY_MS = 3_000;
const SHOWN = 40;

export function Workers({ board, linkTo }: { board: Board; version: number; linkTo: (trialId: string) => string }) {
  const [workers, setWorkers] = useState<readonly WorkerInfo[]>([]);
  useEffect(() => {
    const ended = new AbortController();
    const look = () => {
      read<{ workers: readonly WorkerInfo[] }>('/workers', ended.signal)
        .then((answer) => setWorkers(answer.workers))
        .catch(() => {});
    };
    look();
    const timer = setInterval(look, LOOK_EVERY_MS);
    return () => {
      ended.abort();
      clearInterval(timer);
    };
  }, []);
  const now = new Map(board.workers.map((worker) => [worker.workerId, worker]));
  const connected = workers.filter(({ state }) => state !== 'gone');
  const busy = connected.filter(({ lent }) => lent > 0).length;
  return (
    <section class="workers" aria-label="Workers">
      <h2>Workers</h2>
      <p class="quiet small">
        {workers.length === 0 ? (
          <>
            None is connected. <code>dss worker</code> starts one.
          </>
        ) : (
          `${busy} of ${counted(connected.length, 'worker')} busy${connected.length < workers.length ? `, ${workers.length - connected.length} gone` : ''}`
        )}
      </p>
      <ul>
        {workers.slice(0, SHOWN).map((worker) => (
          <Worker key={worker.workerId} worker={worker} now={now.get(worker.workerId)} board={board} linkTo={linkTo} />
        ))}
      </ul>
      {workers.length > SHOWN ? <p class="quiet small">and {workers.length - SHOWN} more</p> : null}
    </section>
  );
}

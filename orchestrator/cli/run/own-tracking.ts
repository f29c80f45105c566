/**
 * Trackers that a sweep feeds by itself, as its environment asks: MLflow by MLFLOW_TRACKING_URI, TensorBoard by
 * DSS_TENSORBOARD_DIR. Each is a `dss tracking …` of its own beside the sweep, so that nothing it waits for, and nothing
 * that goes wrong there, is felt by a trial; it ends when its stdin does, however this process ends.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { SweepError } from '../../core/errors.js';
import { mlflowAddress } from '../../tracking/mlflow/address.js';
import { note } from '../output.js';
import type { WhereFlags } from '../server/find-server.js';
import { aborted, type StopSignals } from '../stop-signals.js';

export interface OwnTracking {
  /** After the sweep: sends the rest, and says in a line how that went. The next Ctrl-C is enough not to wait. */
  finish(signals: StopSignals): Promise<void>;
}

/** What a server that does not answer may hold up the end of a sweep by. */
const FINISH_MS = 30_000;
const OUTPUT_KEPT = 8_192;

interface Feed {
  readonly title: string;
  /** Of `dss tracking`. */
  readonly words: readonly string[];
}

export function startTracking(sweep: string, where: WhereFlags, env: NodeJS.ProcessEnv = process.env): OwnTracking {
  const feeds = feedsOf(sweep, env).map((feed) => startFeed(feed, where));
  return {
    async finish({ drain, stop }) {
      const leave = drain.aborted ? stop : drain;
      for (const line of await Promise.all(feeds.map((feed) => feed(leave)))) note(line);
    },
  };
}

function feedsOf(sweep: string, env: NodeJS.ProcessEnv): readonly Feed[] {
  const feeds: Feed[] = [];
  const uri = env['MLFLOW_TRACKING_URI'];
  if (uri) {
    try {
      const { url } = mlflowAddress(uri, env);
      note(`MLflow: ${sweep} is sent to ${url} while it runs`);
      feeds.push({ title: 'MLflow', words: ['mlflow', sweep] });
    } catch (reason) {
      const { message, hint } = SweepError.from(reason);
      note(`MLflow: nothing is sent: ${message}${hint === '' ? '' : ` (${hint})`}`);
    }
  }
  const directory = env['DSS_TENSORBOARD_DIR'];
  if (directory) {
    note(`TensorBoard: ${sweep} is written to ${directory} while it runs`);
    feeds.push({ title: 'TensorBoard', words: ['tensorboard', sweep, directory] });
  }
  return feeds;
}

/** Gives what ends it, and says how it ended. */
function startFeed({ title, words }: Feed, where: WhereFlags): (leave: AbortSignal) => Promise<string> {
  const flags = (['server', 'context', 'home'] as const).flatMap((name) => {
    const value = where[name];
    return value === undefined ? [] : [`--${name}`, value];
  });
  const main = process.argv[1] ?? '';
  const child = spawn(process.execPath, [...process.execArgv, main, 'tracking', ...words, '--until-eof', ...flags], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // Ctrl-C is for the sweep; this one ends when the sweep has.
    detached: true,
  });
  const [answer, complaint] = [tailOf(child.stdout), tailOf(child.stderr)];
  child.stdin.on('error', () => {}); // it ended before; its status says why
  const ended = once(child, 'close').then(
    () => child.exitCode,
    (cause: Error) => cause.message,
  );
  const rest = `\`dss tracking ${words.join(' ')}\` sends the rest`;
  return async (leave) => {
    child.stdin.end();
    const timer = new AbortController();
    const limit = setTimeout(() => timer.abort(), FINISH_MS);
    const status = await Promise.race([ended, aborted(AbortSignal.any([leave, timer.signal])).then(() => undefined)]);
    clearTimeout(limit);
    if (status === 0) return `${title}: ${answer().trim()}`;
    if (status === undefined) {
      // What it was sending is in doubt, and the next one asks about it.
      child.kill('SIGKILL');
      return `${title}: ${leave.aborted ? 'stopped' : `not done within ${FINISH_MS / 1000} s`} before all was sent; ${rest}`;
    }
    const why =
      complaint()
        .split('\n')
        .findLast((line) => line.startsWith('error')) ?? `it ended with ${status}`;
    return `${title}: not all was sent: ${why.replace(/^error\S*\s*/, '')}; ${rest}`;
  };
}

function tailOf(stream: NodeJS.ReadableStream): () => string {
  let text = '';
  stream.setEncoding('utf8');
  stream.on('data', (piece: string) => {
    text = (text + piece).slice(-OUTPUT_KEPT);
  });
  return () => text;
}

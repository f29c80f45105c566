/**
 * How a command that plans asks about hub models: each once, and none for long where the hub cannot be reached.
 *
 * 2026-11: huggingface_hub tries again and again, 30 seconds for each model where there is no network. Weighed against
 * shorter limits for it: they would be for each file still, and too short for a slow line. So a connection is tried first.
 */
import { connect } from 'node:net';
import type { AskHub, HubRequest } from '../../sources/hub-models.js';
import { askCacheOnly, askHub, remembering } from '../data/ask-hub.js';
import { note } from '../output.js';

/** A connection takes less anywhere on earth. */
const REACH_MS = 4_000;
/** What is on disk is said sooner. */
const PATIENCE_MS = 3_000;

export interface HubParts {
  readonly ask: AskHub;
  readonly askCacheOnly: AskHub;
  /** `null`: it can be reached, or nobody knows; else why not. */
  readonly whyOutOfReach: () => Promise<string | null>;
  readonly say: (line: string) => void;
  readonly patienceMs?: number;
}

const PARTS: HubParts = { ask: askHub, askCacheOnly, whyOutOfReach: () => whyOutOfReach(process.env), say: note };

/** For one command: whatever it plans, a model is asked for once, and whether the hub is there is tried once. */
export function hubAsker({
  ask,
  askCacheOnly,
  whyOutOfReach,
  say,
  patienceMs = PATIENCE_MS,
}: HubParts = PARTS): AskHub {
  let tried: Promise<string | null> | null = null;
  return remembering(async (request, signal) => {
    const timer = setTimeout(() => say(`waiting for the hub to tell of ${namesOf(request)}`), patienceMs);
    try {
      tried ??= whyOutOfReach();
      const why = await tried;
      return why === null ? await ask(request, signal) : withReason(await askCacheOnly(request, signal), why);
    } finally {
      clearTimeout(timer);
    }
  });
}

function namesOf({ models }: HubRequest): string {
  return models.map(({ name }) => name).join(', ');
}

/** Of a model that is not on disk, that nobody asked the hub is no reason for people. */
function withReason(answer: unknown, why: string): unknown {
  return JSON.parse(JSON.stringify(answer), (key, value: unknown) =>
    key === 'message' && typeof value === 'string'
      ? value.replace(/the hub cannot be reached: .*$/s, () => `the hub cannot be reached: ${why}`)
      : value,
  );
}

const OUT_OF_REACH = /^(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT|ENETDOWN)$/;
const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'https:': 443, 'http:': 80 };

/** `null` too where a proxy stands between, or the hub is not to be asked anyway: huggingface_hub knows of both. */
export async function whyOutOfReach(env: NodeJS.ProcessEnv, limitMs = REACH_MS): Promise<string | null> {
  const names = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy', 'HF_HUB_OFFLINE'];
  if (names.some((name) => env[name])) return null;
  const url = URL.parse(env['HF_ENDPOINT'] || 'https://huggingface.co');
  const port = Number(url?.port) || DEFAULT_PORTS[url?.protocol ?? ''];
  if (url === null || port === undefined) return null;
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (why: string | null) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(why);
    };
    const timer = setTimeout(() => end(`no answer of ${host} within ${limitMs / 1_000} s`), limitMs);
    socket.once('connect', () => end(null));
    socket.on('error', ({ code = '', message }: NodeJS.ErrnoException) =>
      end(OUT_OF_REACH.test(code) ? message : null),
    );
  });
}

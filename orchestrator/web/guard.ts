/**
 * What every request must be before anything looks at it. A page of somebody else's, open in the same browser, can send
 * requests here too: by a name of its own that resolves to this machine (so the Host must be one of ours), or straight
 * across (so Origin and Sec-Fetch-Site must say that it is this page, on every verb).
 */
import { Refusal } from './problem.js';

export const SAFE_HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
    "require-trusted-types-for 'script'; trusted-types 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
};

const VERBS = new Set(['GET', 'HEAD', 'POST']);
const MAX_URL = 2_048;

export interface Asked {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  header(name: string): string | undefined;
}

/** @throws Refusal */
export function mustBeOurs({ method, url, header }: Asked, hosts: ReadonlySet<string>): void {
  if (!VERBS.has(method)) throw new Refusal(405, 'METHOD', `${method} is no verb here`, 'GET reads, POST acts');
  if (url.length > MAX_URL) throw new Refusal(414, 'TOO_LONG', `an address may have ${MAX_URL} characters`);
  const host = header('host') ?? '';
  const name = hostNameOf(host);
  if (name === null || !hosts.has(name)) {
    const hint = 'reach it by the address that was printed, or name this one with --web-host';
    throw new Refusal(421, 'HOST', 'this server does not go by that name', hint);
  }
  const origin = header('origin');
  if (origin !== undefined && !isSameOrigin(origin, host)) {
    throw new Refusal(403, 'ORIGIN', 'the request comes from a page of somebody else');
  }
  const site = header('sec-fetch-site');
  const isPage = method === 'GET' && header('sec-fetch-mode') === 'navigate' && !url.startsWith('/api/');
  if (site !== undefined && site !== 'same-origin' && site !== 'none' && !isPage) {
    throw new Refusal(403, 'ORIGIN', 'the request comes from a page of somebody else');
  }
  if (Number(header('content-length') ?? 0) > 0 || header('transfer-encoding') !== undefined) {
    throw new Refusal(413, 'TOO_LARGE', 'no request has a body here');
  }
}

/** Without the port: a tunnel may have another one than this server. */
function hostNameOf(host: string): string | null {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::\d{1,5})?$/i.exec(host);
  return match?.[1]?.toLowerCase() ?? null;
}

function isSameOrigin(origin: string, host: string): boolean {
  return origin === `http://${host}` || origin === `https://${host}`;
}

/**
 * Traces of trials' lives by OpenTelemetry's own variables, as OTLP in JSON over HTTP: that needs no package. A trial is a
 * trace; each attempt is a span of it, with its evaluations and checkpoints as events. What cannot be sent is dropped, and
 * never waited for.
 */
import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import { SweepError } from '../core/errors.js';
import type { JournalEvent } from '../core/events.js';
import type { PlaneView } from './plane-view.js';

export interface TraceOptions {
  /** Where spans go: …/v1/traces. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly resource: Readonly<Record<string, string>>;
}

/** `null`: nobody wants them. @throws SweepError USAGE */
export function traceOptionsOf(env: NodeJS.ProcessEnv, version: string): TraceOptions | null {
  // An empty variable is one that is not set, by OpenTelemetry's own rule.
  const whole = env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] || '';
  const endpoint = whole || env['OTEL_EXPORTER_OTLP_ENDPOINT'] || '';
  const isOff = env['OTEL_SDK_DISABLED'] === 'true' || env['OTEL_TRACES_EXPORTER'] === 'none';
  if (endpoint === '' || isOff) return null;
  const protocol = env['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'] || env['OTEL_EXPORTER_OTLP_PROTOCOL'] || 'http/json';
  // Collectors take JSON wherever they take protobuf over HTTP.
  if (!protocol.startsWith('http/')) {
    throw new SweepError('USAGE', `OTEL_EXPORTER_OTLP_PROTOCOL: expected http/json, got ${protocol}`, {
      hint: 'collectors take it at port 4318',
    });
  }
  const url = whole !== '' ? endpoint : `${endpoint.replace(/\/$/, '')}/v1/traces`;
  if (!/^https?:\/\//.test(url)) throw new SweepError('USAGE', 'OTEL_EXPORTER_OTLP_ENDPOINT: expected an http address');
  const headers = env['OTEL_EXPORTER_OTLP_TRACES_HEADERS'] ? 'TRACES_HEADERS' : 'HEADERS';
  return {
    url,
    headers: pairsOf(env, `OTEL_EXPORTER_OTLP_${headers}`),
    resource: {
      'service.name': 'dss',
      ...pairsOf(env, 'OTEL_RESOURCE_ATTRIBUTES'),
      ...(env['OTEL_SERVICE_NAME'] ? { 'service.name': env['OTEL_SERVICE_NAME'] } : {}),
      'service.version': version,
      'host.name': hostname(),
    },
  };
}

interface OpenSpan {
  readonly startMs: number;
  readonly attributes: Record<string, string | number>;
  readonly events: {
    readonly name: string;
    readonly atMs: number;
    readonly attributes: Record<string, string | number>;
  }[];
}

const SEND_AFTER_MS = 2_000;
const MOST_WAITING = 2_000;
const MOST_EVENTS = 128;
const TIMEOUT_MS = 5_000;

/** Gives what ends it, once what waits is sent or given up. */
export function startTraces(view: PlaneView, options: TraceOptions, logger: Logger): () => Promise<void> {
  const running = new Map<string, OpenSpan>();
  let waiting: object[] = [];
  let timer: NodeJS.Timeout | null = null;
  let dropped = 0;
  const send = async () => {
    timer = null;
    const spans = waiting.splice(0);
    if (spans.length === 0) return;
    try {
      const response = await fetch(options.url, {
        method: 'POST',
        headers: { ...options.headers, 'Content-Type': 'application/json' },
        body: JSON.stringify(requestOf(options.resource, spans)),
        signal: AbortSignal.timeout(TIMEOUT_MS),
        redirect: 'error',
      });
      if (!response.ok) throw new Error(`the collector answered ${response.status}`);
      await response.body?.cancel();
    } catch (reason) {
      if (dropped === 0) logger.warn({ message: (reason as Error).message }, 'traces cannot be sent and are dropped');
      dropped += spans.length;
    }
  };
  const end = (trialId: string, attempt: number, outcome: string, error: string | null) => {
    const key = `${trialId} ${attempt}`;
    const span = running.get(key);
    running.delete(key);
    if (span === undefined) return;
    if (waiting.length >= MOST_WAITING) {
      dropped += 1;
      return;
    }
    const attributes = { ...span.attributes, 'dss.outcome': outcome };
    waiting.push(spanOf(trialId, attempt, { ...span, attributes }, Date.now(), error));
    timer ??= setTimeout(() => void send(), SEND_AFTER_MS);
  };
  const hear = (event: JournalEvent) => {
    switch (event.kind) {
      case 'begun': {
        const { trialId, attempt } = event.lease;
        const attributes = { 'dss.trial': trialId, 'dss.attempt': attempt, 'dss.worker': event.workerId };
        running.set(`${trialId} ${attempt}`, { startMs: Date.now(), attributes, events: [] });
        return;
      }
      case 'measured':
        for (const { step, split, accuracy } of event.evaluations) {
          note(event.lease, `evaluation on ${split}`, { step, ...(Number.isFinite(accuracy) ? { accuracy } : {}) });
        }
        return;
      case 'checkpointed':
        return note(event.lease, 'checkpoint', { step: event.step });
      case 'succeeded':
        return end(event.lease.trialId, event.lease.attempt, 'succeeded', null);
      case 'failed':
      case 'requeued':
        return end(event.lease.trialId, event.lease.attempt, event.kind, event.failure?.code ?? null);
      case 'cancelled':
        return event.lease === null ? undefined : end(event.trialId, event.lease.attempt, 'cancelled', null);
    }
  };
  const note = (
    lease: { readonly trialId: string; readonly attempt: number },
    name: string,
    attributes: Record<string, number>,
  ) => {
    const span = running.get(`${lease.trialId} ${lease.attempt}`);
    if (span !== undefined && span.events.length < MOST_EVENTS)
      span.events.push({ name, atMs: Date.now(), attributes });
  };
  const forget = view.onEvents((events) => events.forEach(hear));
  return async () => {
    forget();
    if (timer !== null) clearTimeout(timer);
    await send();
    if (dropped > 0) logger.warn({ dropped }, 'spans were dropped');
    waiting = [];
  };
}

function spanOf(
  trialId: string,
  attempt: number,
  { startMs, attributes, events }: OpenSpan,
  endMs: number,
  error: string | null,
) {
  return {
    traceId: digest(trialId, 32),
    spanId: digest(`${trialId} ${attempt} ${startMs}`, 16),
    name: 'attempt',
    kind: 1,
    startTimeUnixNano: nanoOf(startMs),
    endTimeUnixNano: nanoOf(endMs),
    attributes: attributesOf(attributes),
    events: events.map(({ name, atMs, attributes: own }) => ({
      name,
      timeUnixNano: nanoOf(atMs),
      attributes: attributesOf(own),
    })),
    status: error === null ? { code: 1 } : { code: 2, message: error },
  };
}

function requestOf(resource: Readonly<Record<string, string>>, spans: readonly object[]) {
  return {
    resourceSpans: [
      { resource: { attributes: attributesOf(resource) }, scopeSpans: [{ scope: { name: 'dss' }, spans }] },
    ],
  };
}

function attributesOf(values: Readonly<Record<string, string | number>>) {
  return Object.entries(values).map(([key, value]) => {
    if (typeof value === 'string') return { key, value: { stringValue: value } };
    return { key, value: Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value } };
  });
}

/** @throws SweepError USAGE, without the values: they may be secrets */
function pairsOf(env: NodeJS.ProcessEnv, variable: string): Readonly<Record<string, string>> {
  const pairs = (env[variable] ?? '').split(',').flatMap((pair): [string, string][] => {
    const [name = '', ...rest] = pair.split('=');
    if (name.trim() === '' || rest.length === 0) return [];
    try {
      return [[name.trim(), decodeURIComponent(rest.join('=').trim())]];
    } catch {
      throw new SweepError('USAGE', `${variable}: the value of ${name.trim()} is not percent-encoded`, {
        hint: 'a percent sign itself is written %25',
      });
    }
  });
  return Object.fromEntries(pairs);
}

function nanoOf(ms: number): string {
  return String(BigInt(Math.round(ms)) * 1_000_000n);
}

function digest(text: string, digits: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, digits);
}

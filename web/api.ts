/** What the page asks of its server, and the shapes of the answers. */

export interface SweepInfo {
  readonly sweep: string;
  readonly submittedAtUnixMs: number;
  readonly total: number;
  readonly counts: Readonly<Record<StateName, number>>;
  readonly state: 'active' | 'paused' | 'cancelled';
  readonly reason: string;
  readonly owner: string;
}

export type StateName = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled';
export const STATES: readonly StateName[] = ['queued', 'running', 'succeeded', 'failed', 'cancelled'];

export interface CellInfo {
  readonly key: string;
  readonly group: string;
  readonly row: string;
  readonly method: string;
  readonly size: string;
  /** Those that are not the same in all cells. */
  readonly settings: Readonly<Record<string, unknown>>;
}

export interface Cause {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

export interface BoardAnswer {
  readonly epoch: string;
  readonly eventId: string;
  readonly sweep: SweepInfo;
  /** Settings that all cells share. */
  readonly common: Readonly<Record<string, unknown>>;
  readonly cells: readonly CellInfo[];
  readonly causes: readonly Cause[];
  /** What results ran on, in words that tell each from the others. */
  readonly environments: readonly string[];
  readonly trials: {
    readonly ids: string;
    readonly cell: readonly number[];
    readonly seed: readonly number[];
    readonly state: string;
    readonly accuracy: readonly (number | null)[];
    readonly attempts: readonly number[];
    readonly cause: readonly number[];
    readonly seconds: readonly (number | null)[];
    /** Place in `environments`; -1: it has no result. */
    readonly environment: readonly number[];
  };
}

export interface TrialProgress {
  readonly trialId: string;
  readonly step: number;
  readonly maxSteps: number;
  readonly loss: number | null;
  readonly examplesPerSecond: number | null;
  readonly phase: string;
}

export interface WorkerNow {
  readonly workerId: string;
  readonly running: readonly TrialProgress[];
}

export interface Change {
  readonly trials: readonly (readonly [number, number, number | null, number, number, number | null, number])[];
  readonly firstCause: number;
  readonly causes: readonly Cause[];
  /** All of them; `null`: none has come in. */
  readonly environments: readonly string[] | null;
  readonly sweep: SweepInfo;
  readonly workers: readonly WorkerNow[];
}

export interface DeviceLoad {
  /** From 0 to 1; `null`: unknown. */
  readonly utilization: number | null;
  readonly memoryUsedBytes: number;
  /** 0: unknown. */
  readonly memoryTotalBytes: number;
}

export interface WorkerInfo {
  readonly workerId: string;
  readonly host: string;
  readonly devices: readonly string[];
  readonly slots: number;
  readonly lent: number;
  readonly state: string;
  readonly reason: string;
  readonly load: { readonly devices: readonly DeviceLoad[]; readonly warm: number } | null;
  readonly running: readonly TrialProgress[];
}

export interface TrialInfo {
  readonly trialId: string;
  readonly state: StateName;
  readonly attempts: number;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly accuracy: number | null;
  readonly seconds: number | null;
  readonly selectedStep: number | null;
  readonly failure: (Cause & { readonly detail: string; readonly kind: string }) | null;
  readonly environment: Readonly<Record<string, string>>;
  readonly startedAtUnixMs: number | null;
  readonly endedAtUnixMs: number | null;
}

export interface Curves {
  readonly training: readonly { readonly step: number; readonly loss: number | null }[];
  readonly evaluations: readonly {
    readonly step: number;
    readonly split: 'valid' | 'test';
    readonly accuracy: number | null;
    readonly loss: number | null;
  }[];
}

interface Sample {
  readonly n: number;
  readonly mean: number | null;
  readonly sd: number | null;
}
export interface Interval {
  readonly low: number;
  readonly high: number;
}
export interface ComparedCell {
  readonly accuracy: Sample;
  readonly interval: Interval | null;
  readonly seeds: readonly { readonly seed: number; readonly accuracy: number }[];
}
export interface Comparison {
  readonly first: ComparedCell;
  readonly second: ComparedCell;
  readonly difference: Sample;
  readonly pairs: readonly { readonly seed: number; readonly difference: number }[];
  readonly interval: Interval | null;
  readonly test: { readonly name: string; readonly p: number } | null;
  readonly untested: string;
}

export interface Info {
  readonly version: string;
  readonly host: string;
  readonly user: string;
  readonly role: 'read' | 'submit' | 'admin';
  readonly lending: boolean;
}

export class ApiError extends Error {
  readonly status: number;
  readonly hint: string;

  constructor(status: number, message: string, hint: string) {
    super(message);
    this.status = status;
    this.hint = hint;
  }

  /** Asking again would change nothing: there is no such thing, or it takes another token. */
  get isFinal(): boolean {
    return this.status === 404 || this.status === 401;
  }
}

/** For as long as this tab is open, and never in an address. */
const TOKEN = 'dss-token';

function token(): string {
  return sessionStorage.getItem(TOKEN) ?? '';
}

export function setToken(value: string): void {
  if (value === '') sessionStorage.removeItem(TOKEN);
  else sessionStorage.setItem(TOKEN, value);
}

function headers(): Record<string, string> {
  return token() === '' ? {} : { Authorization: `Bearer ${token()}` };
}

async function asked(path: string, init: RequestInit): Promise<Response> {
  const response = await fetch(`/api/v1${path}`, { ...init, headers: { ...headers(), ...init.headers } }).catch(() => {
    throw new ApiError(0, 'The server does not answer.', 'It may have ended; this page tries again.');
  });
  if (response.ok) return response;
  const body: unknown = await response.json().catch(() => null);
  const error = (body as { error?: { message?: string; hint?: string } } | null)?.error;
  throw new ApiError(response.status, error?.message ?? response.statusText, error?.hint ?? '');
}

export async function read<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await asked(path, signal === undefined ? {} : { signal });
  return (await response.json()) as T;
}

export async function act(sweep: string, action: string): Promise<{ readonly trials: number }> {
  const response = await asked(`/sweeps/${sweep}/${action}`, { method: 'POST' });
  return (await response.json()) as { trials: number };
}

export interface StreamEvent {
  readonly kind: string;
  readonly id: string;
  readonly data: unknown;
}

/**
 * Server-sent events over fetch, since EventSource sends no token. Ends when the server does; whoever reads goes on from
 * the last id.
 */
export async function* events(path: string, lastEventId: string, signal: AbortSignal): AsyncGenerator<StreamEvent> {
  const response = await asked(path, { signal, headers: { 'Last-Event-ID': lastEventId } });
  if (response.body === null) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    rest += value;
    const blocks = rest.split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const fields = new Map(
        block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
      );
      const data = fields.get('data');
      if (data !== undefined)
        yield { kind: fields.get('event') ?? '', id: fields.get('id') ?? '', data: JSON.parse(data) };
    }
  }
}

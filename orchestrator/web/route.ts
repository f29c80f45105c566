/** What may be asked of the web API: a path, what it takes, and who may. */
import type { z } from 'zod';
import type { Caller, Role } from '../core/roles.js';
import { STATES } from './board.js';

export interface RouteCall {
  readonly caller: Caller;
  /** Checked against `PARAMETERS`. */
  readonly value: (name: ParameterName) => string;
  readonly lastEventId: string;
  readonly signal: AbortSignal;
}

export interface Route {
  readonly verb: 'get' | 'post';
  readonly path: string;
  readonly summary: string;
  readonly needs: Role;
  readonly query: readonly ParameterName[];
  /** `null`: a stream of events. */
  readonly answer: z.ZodType | null;
  /** It may have megabytes. */
  readonly isLarge?: boolean;
  /** Gives the answer, its JSON in bytes, or a stream. */
  readonly serve: (call: RouteCall) => unknown;
}

const CELL = /^[0-9a-f]{12}$/;

/** Ids are never paths; a value that does not match is refused before anything looks for it. */
export const PARAMETERS = {
  sweep: { pattern: /^[a-z0-9][a-z0-9-]{0,39}$/, says: 'name of a sweep' },
  trial: { pattern: /^[0-9a-f]{20}$/, says: 'id of a trial' },
  first: { pattern: CELL, says: 'key of a cell' },
  second: { pattern: CELL, says: 'key of a cell' },
  state: { pattern: /^[a-z]{1,16}$/, says: `state of a trial: ${STATES.join(', ')}` },
  from: { pattern: /^\d{1,9}$/, says: 'place of the first trial among those of the sweep' },
  limit: { pattern: /^[1-9]\d{0,3}$/, says: 'number of trials to give (1 or more; 1000 at most are given)' },
  lines: { pattern: /^[1-9]\d{0,3}$/, says: 'number of the newest lines to give (1 or more; 5000 at most are given)' },
} as const;

export type ParameterName = keyof typeof PARAMETERS;

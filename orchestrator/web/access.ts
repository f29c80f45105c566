/** Who asks. On this machine everybody may read; from elsewhere, and to act, a token says who it is. */
import { type Caller, mayAct, type Role } from '../core/roles.js';
import type { PlaneView } from '../observe/plane-view.js';
import { Refusal } from './problem.js';
import { RateLimit } from './rate-limit.js';

/** Wrong tokens: enough for a person who mistypes. */
const GUESSES = 10;
const GUESSES_PER_SECOND = 1 / 30;

const READER: Caller = { user: '', role: 'read' };

export class Access {
  readonly #view: PlaneView;
  readonly #isOpen: boolean;
  readonly #guesses: RateLimit;

  /** `isOpen`: reading needs no token. */
  constructor(view: PlaneView, isOpen: boolean, nowMs?: () => number) {
    this.#view = view;
    this.#isOpen = isOpen;
    this.#guesses = new RateLimit(GUESSES, GUESSES_PER_SECOND, nowMs);
  }

  /** @throws Refusal */
  mustMay(needs: Role, authorization: string | undefined, from: string): Caller {
    const caller = this.#callerOf(authorization, from);
    if (mayAct(caller.role, needs)) return caller;
    throw new Refusal(403, 'NOT_ALLOWED', `this needs role ${needs}, the token has ${caller.role}`, TOKEN_HINT);
  }

  #callerOf(authorization: string | undefined, from: string): Caller {
    if (authorization === undefined) {
      if (this.#isOpen) return READER;
      throw new Refusal(401, 'AUTH_INVALID', 'a token is needed here', TOKEN_HINT);
    }
    if (!this.#guesses.has(from)) throw new Refusal(429, 'TOO_MANY', 'too many wrong tokens', 'wait half a minute');
    const token = /^Bearer ([\w.~+/=-]{1,200})$/.exec(authorization)?.[1] ?? '';
    try {
      return this.#view.callerOf(token);
    } catch (reason) {
      this.#guesses.take(from);
      throw Refusal.from(reason);
    }
  }
}

const TOKEN_HINT = '`dss auth token create --user NAME --role submit` makes one';

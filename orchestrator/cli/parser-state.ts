/** What yargs knows of the command that it was reading; it has this, its types do not. */
import type { Argv } from 'yargs';

export interface ParserState {
  /** Words of the command: `['data', 'check']`. */
  readonly path: readonly string[];
  /** As `defineCommand` was told: `check <names..>`. */
  readonly usage: string;
  readonly flags: readonly string[];
  /** Commands below it; none below one that does something. */
  readonly commands: readonly string[];
}

interface Internals {
  getOptions?(): { readonly key: Readonly<Record<string, unknown>> };
  getInternalMethods?(): {
    getContext(): { readonly commands: readonly string[]; readonly fullCommands: readonly string[] };
    getCommandInstance(): { readonly handlers: Readonly<Record<string, unknown>> };
  };
}

export function parserState(parser: Argv<object>): ParserState {
  const internals = parser as unknown as Internals;
  const methods = internals.getInternalMethods?.();
  const context = methods?.getContext();
  return {
    path: [...(context?.commands ?? [])],
    usage: context?.fullCommands.at(-1) ?? '',
    flags: Object.keys(internals.getOptions?.().key ?? {}),
    commands: Object.keys(methods?.getCommandInstance().handlers ?? {}),
  };
}

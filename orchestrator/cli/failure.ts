/** How a command ends in an error: message, next step, exit status. */
import { SweepError } from '../core/errors.js';
import { note, noteError, printJson } from './output.js';

/** `SpecError` has these; its module is heavy, so that its shape is asked for and not its class. */
interface Issue {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly path: string;
  readonly message: string;
  readonly hint: string;
}

function issuesOf(error: SweepError): readonly Issue[] {
  return 'issues' in error && Array.isArray(error.issues) ? (error.issues as readonly Issue[]) : [];
}

/** Says it, and gives the exit status. */
export function reportFailure(reason: unknown, { json, debug }: { json: boolean; debug: boolean }): number {
  const error = SweepError.from(reason);
  const issues = issuesOf(error);
  if (issues.length === 0) noteError(error.message, '');
  for (const { file, line, column, path, message, hint } of issues) {
    noteError(`${file}:${line}:${column}: ${path === '' ? '' : `${path}: `}${message}`, hint);
  }
  if (error.hint !== '') note(`  ${error.hint}`);
  if (error.code === 'INTERNAL' || debug) note(String((error.cause as Error | undefined)?.stack ?? error.stack));
  if (json) {
    const { code, message, hint } = error;
    printJson({ error: { code, message, hint, ...(issues.length > 0 ? { issues } : {}) } });
  }
  return error.exitStatus;
}

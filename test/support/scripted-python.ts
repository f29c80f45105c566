/** A "python" for DSS_PYTHON whose agents train nothing: real processes and a real wire at no cost. */
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from './dss.js';

export class ScriptedPython {
  readonly path: string;
  readonly #log: string;

  constructor(folder: string) {
    this.path = join(folder, 'python');
    this.#log = join(folder, 'agents.log');
    const node = `${process.execPath} --import ${import.meta.resolve('tsx')}`;
    const agent = join(REPOSITORY, 'test/support/scripted-agent.ts');
    writeFileSync(this.path, `#!/bin/sh\nexec ${node} ${agent} "$@"\n`);
    chmodSync(this.path, 0o700);
  }

  get env(): Readonly<Record<string, string>> {
    return { DSS_PYTHON: this.path, SCRIPTED_AGENT_LOG: this.#log };
  }

  /** Of every agent that was started. */
  get pids(): readonly number[] {
    return this.#lines().flatMap(([pid, what]) => (what === 'started' ? [Number(pid)] : []));
  }

  /** Attempts that agents began, by trial. */
  get begun(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const [, what = ''] of this.#lines())
      if (/^[0-9a-f]{20}$/.test(what)) counts.set(what, (counts.get(what) ?? 0) + 1);
    return counts;
  }

  /** How many gave back what they had because they were told to. */
  get drained(): number {
    return this.#lines().filter(([, what]) => what === 'drained').length;
  }

  #lines(): readonly (readonly string[])[] {
    if (!existsSync(this.#log)) return [];
    const text = readFileSync(this.#log, 'utf8').trim();
    return text === '' ? [] : text.split('\n').map((line) => line.split(' '));
  }
}

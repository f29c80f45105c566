/** What a figure was measured on. */
import { arch, availableParallelism, cpus, totalmem } from 'node:os';

export function describeMachine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  const date = new Date().toISOString().slice(0, 10);
  return `${availableParallelism()} × ${arch()} (${model}), ${memory}, Node ${process.versions.node}, ${date}`;
}

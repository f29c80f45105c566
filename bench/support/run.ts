/** Programs run to their end, one at a time: nothing else of ours is on the machine meanwhile. */
import { spawn } from 'node:child_process';

export interface Run {
  readonly stdout: string;
  readonly seconds: number;
}

/** @throws Error with the end of what the program wrote, unless it ends with 0 */
export async function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Run> {
  const started = performance.now();
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-8_000);
  });
  const code = await new Promise<number | null>((ended, failed) => {
    child.on('error', failed);
    child.on('close', ended);
  });
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${stderr}`);
  return { stdout, seconds: (performance.now() - started) / 1000 };
}

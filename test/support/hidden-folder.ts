/** Folders that a process does not see, though it runs on this machine. Needs root on Linux. */
import { execFileSync } from 'node:child_process';

/** The words to put before its command; none where this user may not hide anything, and the process sees them. */
export function hidden(folders: readonly string[]): readonly string[] {
  const words = [
    'unshare',
    '--mount',
    'sh',
    '-c',
    `for each in ${folders.map((_, n) => `"$${n + 1}"`).join(' ')}; do
    mount -t tmpfs -o ro tmpfs "$each" || exit 1; done; shift ${folders.length}; exec "$@"`,
    'sh',
    ...folders,
  ];
  try {
    const [program = '', ...rest] = [...words, 'true'];
    execFileSync(program, rest, { stdio: 'pipe' });
    return words;
  } catch {
    return [];
  }
}

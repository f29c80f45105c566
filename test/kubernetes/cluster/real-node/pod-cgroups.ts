/** The groups of processes that a kubelet makes for pods, and leaves behind when it is killed. */
import { existsSync, readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = '/sys/fs/cgroup';

/** Of version 1, one for each kind of resource; of version 2, one. */
function podGroups(): readonly string[] {
  const kinds = readdirSync(ROOT, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [ROOT, ...kinds.map(({ name }) => join(ROOT, name))]
    .map((folder) => join(folder, 'kubepods'))
    .filter((folder) => existsSync(folder));
}

/** Gives what removes those that were not there before. */
export function rememberPodGroups(): () => void {
  const before = new Set(podGroups());
  return () => {
    for (const folder of podGroups()) if (!before.has(folder)) removeGroup(folder);
  };
}

function removeGroup(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeGroup(join(folder, entry.name));
  }
  try {
    rmdirSync(folder);
  } catch {
    // Something runs there still, which is for whoever looks for it to see.
  }
}

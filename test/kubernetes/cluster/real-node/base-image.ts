/** Programs of this machine in a folder, with the libraries that they load: a base image where none can be had. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The C library opens these by name when it looks up users and hosts. */
const OPENED_BY_NAME = /^lib(nss_\w+|resolv)[.-].*so/;
const LIBRARY = /(?:=> |^\s*)(\/\S+) \(0x/gm;

export interface BaseParts {
  /** Where each is here, by where it is to be. */
  readonly programs: Readonly<Record<string, string>>;
  /** Files that come from elsewhere, whose libraries are needed too. */
  readonly loaded?: readonly string[];
  /** Folders that come from elsewhere, with libraries of their own. */
  readonly elsewhere?: readonly string[];
}

/** As root; users other than that have no name there. */
export function putBase(root: string, { programs, loaded = [], elsewhere = [] }: BaseParts): void {
  const put = (from: string, to = from) => cpSync(from, join(root, to), { dereference: true });
  for (const [to, from] of Object.entries(programs)) put(from, to);
  const isElsewhere = (path: string) => elsewhere.some((folder) => path.startsWith(`${folder}/`));
  const libraries = librariesOf([...Object.values(programs), ...loaded]).filter((path) => !isElsewhere(path));
  for (const library of libraries) put(library);
  const folder = dirname(libraries.find((path) => path.includes('/libc.so')) ?? '');
  for (const name of readdirSync(folder).filter((each) => OPENED_BY_NAME.test(each))) put(join(folder, name));
  mkdirSync(join(root, 'etc'), { recursive: true });
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  writeFileSync(join(root, 'etc/nsswitch.conf'), 'hosts: files dns\n');
}

function librariesOf(files: readonly string[]): readonly string[] {
  // It ends with 1 where one of them is no program of this machine, which is none of ours to mind.
  const { stdout } = spawnSync(
    'ldd',
    files.filter((file) => existsSync(file)),
    {
      encoding: 'utf8',
      maxBuffer: 256 * 1024 * 1024,
    },
  );
  return [...new Set([...stdout.matchAll(LIBRARY)].map(([, path = '']) => path))];
}

/** The page's files, as the bundler left them. Read once: what is served cannot be another file, whatever is asked for. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface PageFile {
  readonly type: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Its name changes with its content. */
  readonly isFixed: boolean;
}

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};

/** Beside what `tsc` made; from the sources, in what the last build left. */
export function pageFolder(): string {
  const isBuilt = !import.meta.url.endsWith('.ts');
  return fileURLToPath(new URL(isBuilt ? '../../web/' : '../../dist/web/', import.meta.url));
}

/** By path; `null`: it was not built. */
export function readPage(folder: string): ReadonlyMap<string, PageFile> | null {
  let names: readonly string[];
  try {
    names = readdirSync(folder);
  } catch {
    return null;
  }
  const files = names.flatMap((name): [string, PageFile][] => {
    const type = TYPES[name.slice(name.lastIndexOf('.') + 1)];
    if (type === undefined) return [];
    const bytes = new Uint8Array(readFileSync(`${folder}/${name}`));
    return [[`/${name}`, { type, bytes, isFixed: /-[A-Z0-9]{8}\.\w+$/.test(name) }]];
  });
  return new Map(files);
}

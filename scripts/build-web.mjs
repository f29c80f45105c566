/** The page: web/ into one script and one style sheet, named by their content. */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { ROOT } from './setup/paths.mjs';

/** @param {string} folder */
export async function buildWeb(folder) {
  const sources = join(ROOT, 'web');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const { metafile } = await build({
    entryPoints: { page: join(sources, 'main.tsx'), style: join(sources, 'style.css') },
    outdir: folder,
    entryNames: '[name]-[hash]',
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    logLevel: 'warning',
    metafile: true,
  });
  const made = Object.keys(metafile.outputs).map((path) => basename(path));
  /** @param {RegExp} pattern */
  const named = (pattern) => made.find((name) => pattern.test(name)) ?? '';
  const shell = readFileSync(join(sources, 'index.html'), 'utf8')
    .replace('%STYLE%', named(/^style-.*\.css$/))
    .replace('%SCRIPT%', named(/^page-.*\.js$/));
  writeFileSync(join(folder, 'index.html'), shell);
  cpSync(join(sources, 'icon.svg'), join(folder, 'icon.svg'));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await buildWeb(process.argv[2] ?? join(ROOT, 'dist/web'));
}

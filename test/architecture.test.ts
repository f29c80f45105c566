/** Imports point one way, as the map in the README says. Read from the sources, type imports included. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { REPOSITORY } from './support/dss.js';

/** What the files of a folder may import besides each other. */
interface Layer {
  /** Folders below orchestrator/, or single files where only an interface is meant. */
  readonly ours: readonly string[];
  /** `node:` stands for all of Node's modules. */
  readonly packages: readonly string[];
}

const LAYERS: Readonly<Record<string, Layer>> = {
  core: { ours: [], packages: ['zod'] },
  auth: { ours: ['core'], packages: ['node:', '@peculiar/x509', 'reflect-metadata', 'zod'] },
  wire: { ours: ['core'], packages: [] },
  journal: { ours: ['core'], packages: ['node:', 'better-sqlite3', 'zod'] },
  store: { ours: ['core'], packages: ['node:'] },
  launchers: {
    ours: ['core', 'control/failpoints', 'store/home-id'],
    packages: ['node:', '@grpc/grpc-js', '@kubernetes/client-node', 'pino', 'zod'],
  },
  sources: { ours: ['core'], packages: ['node:', 'yaml', 'zod'] },
  plan: { ours: ['core', 'sources'], packages: ['node:'] },
  exports: { ours: [], packages: ['hyparquet-writer'] },
  reports: { ours: ['core', 'exports', 'journal/journal'], packages: ['node:', 'd3-scale', 'd3-shape', 'pdfkit'] },
  observe: { ours: ['core', 'journal/journal'], packages: ['node:', 'pino', 'prom-client'] },
  web: {
    ours: ['core', 'journal/journal', 'observe', 'reports'],
    packages: ['node:', '@hono/node-server', 'hono', 'pino', 'zod'],
  },
  control: {
    ours: ['core', 'auth', 'wire', 'journal/journal', 'launchers/launcher', 'observe/plane-view', 'store'],
    // better-sqlite3 for the lock on the state folder: the system gives it back when its holder dies.
    packages: ['node:', '@grpc/grpc-js', 'better-sqlite3', 'pino'],
  },
  tracking: { ours: ['core', 'reports'], packages: ['node:', 'better-sqlite3', 'zod'] },
  cli: {
    ours: [
      ...[
        'core',
        'auth',
        'control',
        'exports',
        'journal',
        'launchers',
        'observe',
        'plan',
        'reports',
        'sources',
        'store',
      ],
      ...['tracking', 'web'],
    ],
    packages: ['node:', '@kubernetes/client-node', 'pino', 'yargs', 'zod'],
  },
};

/** Loaded when a command runs and not before, so that help and mistakes answer at once. */
const HEAVY = [
  '@kubernetes/client-node',
  '@peculiar/x509',
  '@grpc/grpc-js',
  'better-sqlite3',
  '@hono/node-server',
  'hono',
  'hyparquet-writer',
  'prom-client',
  'pino',
  'yaml',
];

/** The worker's agent and its training meet in messages on a pipe, and nowhere else. */
const CLOSED_IN_PYTHON: Readonly<Record<string, readonly string[]>> = {
  agent: ['dss_worker.data', 'dss_worker.training', 'numpy', 'torch', 'transformers'],
  training: ['dss_worker.agent', 'grpc'],
  data: ['dss_worker.agent', 'dss_worker.models', 'dss_worker.training', 'grpc'],
  models: ['dss_worker.agent', 'dss_worker.training', 'grpc'],
};

const ORCHESTRATOR = join(REPOSITORY, 'orchestrator');
const WORKER = join(REPOSITORY, 'worker-python', 'dss_worker');

interface Import {
  /** A package, or a file of ours: its path below orchestrator/, without extension. */
  readonly to: string;
  readonly isOurs: boolean;
  /** Happens when the importing file is loaded: neither a type nor an `import()`. */
  readonly isStatic: boolean;
}

function importsOf(file: string): readonly Import[] {
  const text = readFileSync(join(ORCHESTRATOR, `${file}.ts`), 'utf8');
  const statements = text.matchAll(/^(?:import|export)(\s+type)?\b[^'";]*?\bfrom\s+'([^']+)'|^import\s+'([^']+)'/gm);
  const calls = text.matchAll(/\bimport\(\s*'([^']+)'\s*\)/g);
  return [
    ...[...statements].map(([, type, from, bare]) => resolved(file, from ?? bare ?? '', type === undefined)),
    ...[...calls].map(([, name]) => resolved(file, name ?? '', false)),
  ];
}

function resolved(file: string, name: string, isStatic: boolean): Import {
  const isOurs = name.startsWith('.');
  return { to: isOurs ? join(dirname(file), name.replace(/\.js$/, '')) : name, isOurs, isStatic };
}

function sourcesBelow(folder: string, extension: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(extension) && !file.split('/').includes('generated'))
    .map((file) => file.slice(0, -extension.length))
    .sort();
}

const isWithin = (path: string, place: string, separator = '/') =>
  path === place || path.startsWith(place.endsWith(':') ? place : `${place}${separator}`);

describe('imports of the control plane', () => {
  const files = sourcesBelow(ORCHESTRATOR, '.ts');

  it('are looked at in every folder', () => {
    assert.deepEqual([...new Set(files.map((file) => file.split('/')[0]))], Object.keys(LAYERS).sort());
  });

  for (const [folder, { ours, packages }] of Object.entries(LAYERS)) {
    it(`of ${folder}/ reach only ${[...ours, ...packages].join(', ')}`, () => {
      const wrong = files
        .filter((file) => isWithin(file, folder))
        .flatMap((file) =>
          importsOf(file)
            .filter(({ to, isOurs }) => !(isOurs ? [folder, ...ours] : packages).some((place) => isWithin(to, place)))
            .map(({ to }) => `${file}.ts imports ${to}`),
        );
      assert.deepEqual(wrong, []);
    });
  }

  it('load nothing heavy before a command runs', () => {
    const seen = new Set<string>();
    const load = (file: string): void => {
      if (seen.has(file)) return;
      seen.add(file);
      for (const { to, isOurs, isStatic } of importsOf(file)) {
        if (isStatic) isOurs ? load(to) : seen.add(to);
      }
    };
    load('cli/main');
    // Whichever command is named, its flags and help are read at the start too.
    for (const { to, isOurs } of importsOf('cli/main')) if (isOurs) load(to);
    assert.ok(seen.has('cli/run/sweep') && seen.has('yargs'), 'the start of dss was not followed');
    assert.deepEqual(
      [...seen].filter((name) => HEAVY.some((heavy) => isWithin(name, heavy))),
      [],
    );
  });
});

describe('imports of the worker', () => {
  for (const [folder, closed] of Object.entries(CLOSED_IN_PYTHON)) {
    it(`of ${folder}/ leave ${closed.join(', ')} alone`, () => {
      const files = sourcesBelow(join(WORKER, folder), '.py');
      assert.ok(files.length > 0);
      const wrong = files.flatMap((file) => {
        const text = readFileSync(join(WORKER, folder, `${file}.py`), 'utf8');
        return [...text.matchAll(/^\s*(?:from|import)\s+([\w.]+)/gm)]
          .map(([, name]) => name ?? '')
          .filter((name) => closed.some((place) => isWithin(name, place, '.')))
          .map((name) => `${folder}/${file}.py imports ${name}`);
      });
      assert.deepEqual(wrong, []);
    });
  }
});

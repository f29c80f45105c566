/**
 * `npx tsx test/kubernetes/cluster/generate-module.ts 1.34.4`: writes binary/go.mod for that release of Kubernetes,
 * then lets Go fill in go.sum. Needed for an upgrade only; both files are committed.
 *
 * Kubernetes cannot be required like a library: its go.mod replaces the modules of its own tree by folders
 * (./staging/…), which a dependent does not inherit. The same code is published as v0.X.Y for release v1.X.Y, so each
 * folder becomes a version; every other requirement is taken over as it is, for we want what the release was tested with.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Requirement {
  readonly Path: string;
  readonly Version: string;
  readonly Indirect?: boolean;
}

interface ModuleFile {
  readonly Go: string;
  readonly GoDebug: readonly { readonly Key: string; readonly Value: string }[] | null;
  readonly Require: readonly Requirement[];
  readonly Replace: readonly { readonly Old: { readonly Path: string } }[];
}

const BINARY = join(import.meta.dirname, 'binary');

function go(args: readonly string[], cwd = BINARY): string {
  return execFileSync('go', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}

function goMod(release: string): string {
  const staging = release.replace(/^1\./, '0.');
  const { Dir: folder } = JSON.parse(go(['mod', 'download', '-json', `k8s.io/kubernetes@v${release}`])) as {
    readonly Dir: string;
  };
  const upstream = JSON.parse(go(['mod', 'edit', '-json', join(folder, 'go.mod')])) as ModuleFile;
  const staged = new Set(upstream.Replace.map(({ Old }) => Old.Path));
  const requirements = upstream.Require.map(({ Path, Version, Indirect }) => {
    const version = staged.has(Path) ? `v${staging}` : Version;
    return `\t${Path} ${version}${Indirect === true ? ' // indirect' : ''}`;
  });
  return [
    'module dss.internal/test-cluster',
    '',
    `go ${upstream.Go}`,
    '',
    ...(upstream.GoDebug ?? []).map(({ Key, Value }) => `godebug ${Key}=${Value}`),
    '',
    `require k8s.io/kubernetes v${release}`,
    '',
    'require (',
    ...requirements,
    ')',
    '',
    'replace (',
    ...[...staged].sort().map((path) => `\t${path} => ${path} v${staging}`),
    ')',
    '',
  ].join('\n');
}

const [release] = process.argv.slice(2);
if (release === undefined || !/^1\.\d+\.\d+$/.test(release)) {
  console.error('expected a release of Kubernetes such as 1.34.4\nusage: npx tsx generate-module.ts RELEASE');
  process.exit(2);
}
writeFileSync(join(BINARY, 'go.mod'), goMod(release));
go(['mod', 'tidy']);

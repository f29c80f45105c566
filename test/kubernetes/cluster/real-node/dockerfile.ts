/**
 * What the last stage of a Dockerfile makes, in a folder: as much of a builder of images as those of k8s/ need. Its base
 * image is what the folder has already.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, join, posix } from 'node:path';
import type { ImageConfig } from './image.js';

export interface StageSources {
  /** The folder that is sent to a builder. */
  readonly context: string;
  /** In the place of the stages before: by the path that is copied from one, what makes it where it is to be. */
  readonly built: Readonly<Record<string, (to: string) => void>>;
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** @throws on what it does not know, and on what the .dockerignore beside it keeps from a builder */
export function fillFromDockerfile(file: string, root: string, { context, built }: StageSources): ImageConfig {
  const env = new Map([['PATH', PATH]]);
  const config: { -readonly [Key in keyof ImageConfig]: ImageConfig[Key] } = {};
  let folder = '/';
  const inside = (path: string) => join(root, posix.resolve(folder, path));
  const sent = sentOf(`${file}.dockerignore`);

  const copy = (words: readonly string[]) => {
    const [from = '', to = ''] = words.filter((word) => !word.startsWith('--from='));
    const target = to.endsWith('/') ? join(inside(to), basename(from)) : inside(to);
    if (words.length === 2) {
      if (!sent(from)) throw new Error(`${file} copies ${from}, which its .dockerignore leaves out`);
      const filter = (path: string) => basename(path) !== '__pycache__';
      return cpSync(join(context, from), target, { recursive: true, filter });
    }
    const make = built[from];
    if (make === undefined) throw new Error(`${file} copies ${from} from a stage before, which nothing stands for`);
    make(target);
  };

  for (const [instruction, rest] of lastStage(readFileSync(file, 'utf8'))) {
    switch (instruction) {
      case 'ENV':
        for (const [, name = '', value = ''] of rest.matchAll(/(\w+)=(\S+)/g)) {
          env.set(
            name,
            value.replace(/\$(\w+)/g, (_, known: string) => env.get(known) ?? ''),
          );
        }
        break;
      case 'WORKDIR':
        folder = rest;
        mkdirSync(inside('.'), { recursive: true });
        break;
      case 'COPY':
        copy(rest.split(/\s+/));
        break;
      case 'RUN':
        execFileSync('chroot', [root, '/bin/sh', '-c', `cd ${folder} && ${rest}`], { env: Object.fromEntries(env) });
        break;
      case 'USER':
        config.User = rest;
        break;
      case 'ENTRYPOINT':
        config.Entrypoint = JSON.parse(rest) as string[];
        break;
      case 'CMD':
        config.Cmd = JSON.parse(rest) as string[];
        break;
      case 'EXPOSE':
      case 'VOLUME':
        break; // Kubernetes does not look at them
      default:
        throw new Error(`${file} says ${instruction}, which is not known here`);
    }
  }
  return { ...config, WorkingDir: folder, Env: [...env].map(([name, value]) => `${name}=${value}`) };
}

/** Each with its instruction; without the FROM. */
function lastStage(text: string): readonly (readonly [string, string])[] {
  const lines = text
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .filter(Boolean);
  const from = lines.findLastIndex((line) => line.startsWith('FROM '));
  return lines.slice(from + 1).map((line) => {
    const [instruction = ''] = line.split(' ', 1);
    return [instruction, line.slice(instruction.length).trim()] as const;
  });
}

/** Of a list that leaves out all but some paths. */
function sentOf(file: string): (path: string) => boolean {
  const lines = readFileSync(file, 'utf8').split('\n');
  const kept = lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
  return (path) => kept.some((each) => path === each || path.startsWith(`${each}/`));
}

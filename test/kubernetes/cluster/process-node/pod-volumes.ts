/** A folder of this machine for each volume of a pod. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { KeyToPath, Pod, ProjectedSource, Volume } from './objects.js';
import { ConfigError, type PodSources } from './pod-sources.js';

type Files = ReadonlyMap<string, Buffer | string>;

/** @throws ConfigError */
export async function makeVolumes(pod: Pod, folder: string, sources: PodSources): Promise<ReadonlyMap<string, string>> {
  const made = new Map<string, string>();
  for (const volume of pod.spec.volumes ?? []) {
    made.set(volume.name, await makeVolume(volume, join(folder, volume.name), sources));
  }
  return made;
}

async function makeVolume(volume: Volume, folder: string, sources: PodSources): Promise<string> {
  if (volume.hostPath !== undefined) return volume.hostPath.path;
  if (volume.persistentVolumeClaim !== undefined) return sources.claimed(volume.persistentVolumeClaim.claimName);
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of await filesOf(volume, sources)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content, { mode: 0o644 });
  }
  return folder;
}

async function filesOf(volume: Volume, sources: PodSources): Promise<Files> {
  if (volume.emptyDir !== undefined) return new Map();
  if (volume.secret !== undefined) {
    const { secretName: name, items, optional = false } = volume.secret;
    return picked(await sources.secret({ name, optional }), items);
  }
  if (volume.configMap !== undefined) return picked(await sources.configMap(volume.configMap), volume.configMap.items);
  if (volume.projected !== undefined) {
    const parts = await Promise.all(volume.projected.sources.map((source) => projected(source, sources)));
    return new Map(parts.flatMap((part) => [...part]));
  }
  throw new ConfigError(`volume "${volume.name}" is of a kind that this node does not know`);
}

async function projected(source: ProjectedSource, sources: PodSources): Promise<Files> {
  if (source.secret !== undefined) return picked(await sources.secret(source.secret), source.secret.items);
  if (source.configMap !== undefined) return picked(await sources.configMap(source.configMap), source.configMap.items);
  if (source.serviceAccountToken !== undefined) {
    const { path, audience, expirationSeconds = 3600 } = source.serviceAccountToken;
    return new Map([[path, await sources.token(audience, expirationSeconds)]]);
  }
  return new Map(
    (source.downwardAPI?.items ?? []).map(({ path, fieldRef }) => [path, sources.field(fieldRef.fieldPath)]),
  );
}

function picked(data: ReadonlyMap<string, Buffer>, items: readonly KeyToPath[] | undefined): Files {
  if (items === undefined) return data;
  return new Map(
    items.map(({ key, path }) => {
      const content = data.get(key);
      if (content === undefined) throw new ConfigError(`references non-existent key: ${key}`);
      return [path, content];
    }),
  );
}

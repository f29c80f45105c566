/** Lays what a user wants of a pod, and we have no word for, over the template that the rest makes. */
import type { V1PodTemplateSpec } from '@kubernetes/client-node';

type Json = Readonly<Record<string, unknown>>;

/** Lists whose members are told apart by a key; other lists are replaced. As `kubectl patch` does it by default. */
const KEY_OF_LIST: Readonly<Record<string, string>> = {
  containers: 'name',
  initContainers: 'name',
  volumes: 'name',
  volumeMounts: 'mountPath',
  env: 'name',
  imagePullSecrets: 'name',
  hostAliases: 'ip',
  topologySpreadConstraints: 'topologyKey',
};

/** `null` removes a key; in a list a member of a known name is merged, and another one added. */
export function patchTemplate(template: V1PodTemplateSpec, patch: Json): V1PodTemplateSpec {
  return merge(template as Json, patch) as V1PodTemplateSpec;
}

function merge(base: Json, patch: Json): Json {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = mergeValue(key, merged[key], value);
  }
  return merged;
}

function mergeValue(key: string, base: unknown, patch: unknown): unknown {
  if (isMapping(base) && isMapping(patch)) return merge(base, patch);
  const name = KEY_OF_LIST[key];
  if (name !== undefined && Array.isArray(base) && Array.isArray(patch)) return mergeLists(name, base, patch);
  return patch;
}

function mergeLists(name: string, base: readonly unknown[], patch: readonly unknown[]): readonly unknown[] {
  const merged = [...base];
  for (const each of patch) {
    const at = merged.findIndex((known) => isMapping(known) && isMapping(each) && known[name] === each[name]);
    const known = merged[at];
    if (isMapping(known) && isMapping(each)) merged[at] = merge(known, each);
    else merged.push(each);
  }
  return merged;
}

function isMapping(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

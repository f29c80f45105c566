/**
 * The Python environment of this machine as volumes that pods read: it is gigabytes, of which no image needs a copy.
 * `restricted` forbids host paths in a pod, and lets it have a claim on a volume that is one.
 */
import { execFileSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { findPython } from '../../orchestrator/cli/python.js';

const IN_IMAGE = '/opt/venv';

export class MachinePython {
  readonly program = findPython();
  /** Those of the environment, and of the interpreter that it points to. */
  readonly folders: readonly string[];
  readonly #volumes: readonly { readonly name: string; readonly path: string; readonly mountPath: string }[];

  constructor() {
    const asked = 'import json, sys; print(json.dumps([sys.prefix, sys.base_prefix]))';
    const [prefix = '', base = ''] = JSON.parse(
      execFileSync(this.program, ['-c', asked], { encoding: 'utf8' }),
    ) as string[];
    this.folders = [prefix, base].map((folder) => realpathSync(folder));
    this.#volumes = [
      { name: 'python-environment', path: prefix, mountPath: IN_IMAGE },
      // Where the environment's own links say that it is.
      { name: 'python-interpreter', path: base, mountPath: base },
    ];
  }

  /** Volumes of one node, and claims that are bound to them. */
  objects(namespace: string, nodeAffinity: object): readonly object[] {
    const common = { accessModes: ['ReadOnlyMany'], storageClassName: '' };
    return this.#volumes.flatMap(({ name, path }) => [
      {
        apiVersion: 'v1',
        kind: 'PersistentVolume',
        metadata: { name },
        spec: {
          ...common,
          capacity: { storage: '1Gi' },
          persistentVolumeReclaimPolicy: 'Retain',
          // Not `local`, whose files a kubelet gives to a pod's group.
          hostPath: { path, type: 'Directory' },
          nodeAffinity,
        },
      },
      {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name, namespace },
        spec: { ...common, volumeName: name, resources: { requests: { storage: '1Gi' } } },
      },
    ]);
  }

  get volumeNames(): readonly string[] {
    return this.#volumes.map(({ name }) => name);
  }

  /** Of a pool whose workers read them. */
  get pool(): object {
    const readOnly = true;
    return {
      volumes: this.#volumes.map(({ name }) => ({ name, persistentVolumeClaim: { claimName: name, readOnly } })),
      volumeMounts: this.#volumes.map(({ name, mountPath }) => ({ name, mountPath, readOnly })),
    };
  }
}

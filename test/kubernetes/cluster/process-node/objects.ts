/** Of Kubernetes' objects, what a node reads, as JSON has it. */

type Strings = Readonly<Record<string, string>>;

export interface Metadata {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly labels?: Strings;
  readonly annotations?: Strings;
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
}

export interface Pod {
  readonly metadata: Metadata;
  readonly spec: PodSpec;
  readonly status?: { readonly phase?: string; readonly conditions?: readonly Condition[] };
}

export interface PodSpec {
  readonly containers: readonly ContainerSpec[];
  readonly initContainers?: readonly ContainerSpec[];
  readonly volumes?: readonly Volume[];
  readonly restartPolicy?: 'Always' | 'OnFailure' | 'Never';
  readonly activeDeadlineSeconds?: number;
  readonly hostname?: string;
  readonly serviceAccountName?: string;
  readonly terminationGracePeriodSeconds?: number;
}

export interface ContainerSpec {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly workingDir?: string;
  readonly env?: readonly EnvVariable[];
  readonly envFrom?: readonly {
    readonly prefix?: string;
    readonly secretRef?: LocalReference;
    readonly configMapRef?: LocalReference;
  }[];
  readonly volumeMounts?: readonly VolumeMount[];
  readonly resources?: { readonly limits?: Strings; readonly requests?: Strings };
  readonly securityContext?: { readonly readOnlyRootFilesystem?: boolean };
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[];
  readonly startupProbe?: Probe;
  readonly readinessProbe?: Probe;
}

/** Those of a kind that this node knows; one of another kind never succeeds. */
export interface Probe {
  readonly grpc?: { readonly port: number };
  readonly tcpSocket?: { readonly port: number | string };
  readonly periodSeconds?: number;
}

export interface LocalReference {
  readonly name: string;
  readonly optional?: boolean;
}

export interface KeyReference extends LocalReference {
  readonly key: string;
}

export interface EnvVariable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: {
    readonly fieldRef?: { readonly fieldPath: string };
    readonly resourceFieldRef?: { readonly resource: string };
    readonly secretKeyRef?: KeyReference;
    readonly configMapKeyRef?: KeyReference;
  };
}

export interface VolumeMount {
  readonly name: string;
  readonly mountPath: string;
  readonly subPath?: string;
  readonly readOnly?: boolean;
}

export interface KeyToPath {
  readonly key: string;
  readonly path: string;
}

export interface ProjectedSource {
  readonly secret?: LocalReference & { readonly items?: readonly KeyToPath[] };
  readonly configMap?: LocalReference & { readonly items?: readonly KeyToPath[] };
  readonly downwardAPI?: {
    readonly items?: readonly { readonly path: string; readonly fieldRef: { readonly fieldPath: string } }[];
  };
  readonly serviceAccountToken?: {
    readonly path: string;
    readonly audience?: string;
    readonly expirationSeconds?: number;
  };
}

export interface Volume {
  readonly name: string;
  readonly emptyDir?: Readonly<Record<string, unknown>>;
  readonly hostPath?: { readonly path: string };
  readonly secret?: {
    readonly secretName: string;
    readonly optional?: boolean;
    readonly items?: readonly KeyToPath[];
  };
  readonly configMap?: LocalReference & { readonly items?: readonly KeyToPath[] };
  readonly projected?: { readonly sources: readonly ProjectedSource[] };
  readonly persistentVolumeClaim?: { readonly claimName: string };
}

export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly reason?: string;
  readonly message?: string;
}

export type ContainerState =
  | { readonly waiting: { readonly reason: string; readonly message?: string } }
  | { readonly running: { readonly startedAt: string } }
  | {
      readonly terminated: {
        readonly exitCode: number;
        readonly reason: string;
        readonly message?: string;
        readonly startedAt: string;
        readonly finishedAt: string;
      };
    };

import type { Identity } from '../authority.js';

/** All that a node's process is told, in a file that only its owner reads. */
export interface NodeConfig {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly capacity: Readonly<Record<string, string>>;
  /** What every container finds in its environment, as from its image. */
  readonly env: Readonly<Record<string, string>>;
  /** What they begin with, where their pod gives no command: an image of a process node is a name and no more. */
  readonly entryPoints: Readonly<Record<string, readonly string[]>>;
  /** Addresses by name, in the place of a cluster's DNS. */
  readonly hosts: Readonly<Record<string, string>>;
  /** For volumes and logs. */
  readonly folder: string;
  /** Of 127.0.0.1. */
  readonly kubeletPort: number;
  /** Of Kubernetes, that it says it is. */
  readonly version: string;
  /** Folders of this machine that containers see where they are, though the root file system does not hold them. */
  readonly machinePaths: readonly string[];
  readonly server: string;
  readonly ca: string;
  readonly identity: Identity;
}

/** Of the one address that pods of this node are reached by. */
export const HOST_ADDRESS = '127.0.0.1';

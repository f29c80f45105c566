/**
 * Three machines and a router between them, as network namespaces: packets of either direction can be made to vanish
 * without a word, as behind a broken switch. Needs root and `ip` on Linux.
 */
import { execFileSync } from 'node:child_process';

const PREFIX = `dss${process.pid % 100_000}`;
const NETWORK = { plane: '10.203.1', worker: '10.203.2', other: '10.203.3' } as const;
const MACHINES = ['plane', 'worker', 'other'] as const;

export type Machine = keyof typeof NETWORK;

export class Namespaces {
  /** `null` where this user may not make any. */
  static create(): Namespaces | null {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) return null;
    try {
      return new Namespaces();
    } catch {
      return null; // no `ip`, or a container that may not
    }
  }

  private constructor() {
    try {
      ip('netns', 'add', `${PREFIX}-router`);
      this.#in('router', 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward');
      for (const machine of MACHINES) this.#connect(machine);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  addressOf(machine: Machine): string {
    return `${NETWORK[machine]}.2`;
  }

  /** Words to put before a command, so that it runs on that machine. */
  on(machine: Machine): readonly string[] {
    return ['ip', 'netns', 'exec', `${PREFIX}-${machine}`];
  }

  /** From now on nothing arrives there. Nobody is told. */
  cutTo(machine: Machine): void {
    this.#in('router', 'ip', 'route', 'add', 'blackhole', `${this.addressOf(machine)}/32`);
  }

  healTo(machine: Machine): void {
    this.#in('router', 'ip', 'route', 'del', 'blackhole', `${this.addressOf(machine)}/32`);
  }

  /** From now on nothing that it says arrives anywhere. */
  cutFrom(machine: Machine): void {
    this.#in('router', 'ip', 'rule', 'add', 'from', this.addressOf(machine), 'blackhole');
  }

  healFrom(machine: Machine): void {
    this.#in('router', 'ip', 'rule', 'del', 'from', this.addressOf(machine), 'blackhole');
  }

  [Symbol.dispose](): void {
    for (const name of [...MACHINES, 'router']) {
      try {
        ip('netns', 'del', `${PREFIX}-${name}`);
      } catch {
        // It was not made.
      }
    }
  }

  #connect(machine: Machine): void {
    const [name, router] = [`${PREFIX}-${machine}`, `${PREFIX}-router`];
    ip('netns', 'add', name);
    ip('link', 'add', 'out', 'netns', name, 'type', 'veth', 'peer', 'name', machine, 'netns', router);
    this.#in(machine, 'ip', 'addr', 'add', `${this.addressOf(machine)}/24`, 'dev', 'out');
    this.#in('router', 'ip', 'addr', 'add', `${NETWORK[machine]}.1/24`, 'dev', machine);
    for (const device of ['lo', 'out']) this.#in(machine, 'ip', 'link', 'set', device, 'up');
    this.#in('router', 'ip', 'link', 'set', machine, 'up');
    this.#in(machine, 'ip', 'route', 'add', 'default', 'via', `${NETWORK[machine]}.1`);
  }

  #in(name: string, ...command: readonly string[]): void {
    ip('netns', 'exec', `${PREFIX}-${name}`, ...command);
  }
}

function ip(...words: readonly string[]): void {
  execFileSync('ip', words, { stdio: 'pipe' });
}

/** A journal whose process may die at any commit, and that notes whether somebody speaks before a commit is through. */
import type { Journal } from '../../../orchestrator/journal/journal.js';

export class Crash extends Error {}

/** One life of a control plane. */
export interface Life {
  isOver: boolean;
  /** The next transaction is the last one. */
  dies: 'before commit' | 'after commit' | null;
  isWriting: boolean;
}

/** For the loop of one life: what is left of it after its end writes nothing. */
export function mortal(journal: Journal, life: Life, onDeath: () => void): Journal {
  const transaction = <T>(write: () => T): T => {
    if (life.isOver) throw new Crash('dead');
    const { dies } = life;
    const die = () => {
      life.isOver = true;
      onDeath();
      throw new Crash(`it died ${dies}`);
    };
    life.isWriting = true;
    try {
      const written = journal.transaction(() => {
        const value = write();
        if (dies === 'before commit') die();
        return value;
      });
      if (dies === 'after commit') die();
      return written;
    } finally {
      life.isWriting = false;
    }
  };
  return new Proxy(journal, {
    get(target, name) {
      if (name === 'transaction') return transaction;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

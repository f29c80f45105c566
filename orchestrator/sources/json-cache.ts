/** What was worked out about files, kept between runs. Losing it costs time and nothing else. */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';

const MAX_ENTRIES = 20_000;

export class JsonCache<T> {
  readonly #path: string;
  readonly #entries: Map<string, T>;
  #changed = false;

  private constructor(path: string, entries: Map<string, T>) {
    this.#path = path;
    this.#entries = entries;
  }

  /** A file that is absent, cut short or of another version counts as empty. */
  static async open<T>(path: string, value: z.ZodType<T>): Promise<JsonCache<T>> {
    try {
      const parsed = z.array(z.tuple([z.string(), value])).parse(JSON.parse(await readFile(path, 'utf8')));
      return new JsonCache(path, new Map(parsed));
    } catch {
      return new JsonCache(path, new Map());
    }
  }

  /** The kept value, or the one worked out now. Entries used last are dropped last. */
  async get(key: string, work: () => Promise<T>, isKept: (value: T) => boolean = () => true): Promise<T> {
    const found = this.#entries.get(key);
    const value = found ?? (await work());
    if (found === undefined && !isKept(value)) return value;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    this.#changed ||= found === undefined;
    return value;
  }

  /** Written beside its name and moved there, so that no reader sees half a file. */
  async save(): Promise<void> {
    if (!this.#changed) return;
    const beside = `${this.#path}.${randomBytes(6).toString('hex')}.part`;
    try {
      await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
      await writeFile(beside, JSON.stringify([...this.#entries].slice(-MAX_ENTRIES)), { flag: 'wx', mode: 0o600 });
      await rename(beside, this.#path);
      this.#changed = false;
    } catch {
      // A folder that cannot be written is no reason not to plan; what needs it to run says so.
      await rm(beside, { force: true }).catch(() => {});
    }
  }
}

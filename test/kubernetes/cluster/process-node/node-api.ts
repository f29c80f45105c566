/** The API server as a node speaks to it: JSON in, JSON out, and one endless watch. No client library between. */
import { Agent, request } from 'node:https';
import { createInterface } from 'node:readline';
import type { NodeConfig } from './node-config.js';

export class ApiError extends Error {
  /** 0: no answer came. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export class NodeApi {
  readonly #server: string;
  readonly #agent: Agent;

  constructor({ server, ca, identity }: NodeConfig) {
    this.#server = server;
    this.#agent = new Agent({ ca, cert: identity.certificate, key: identity.key, keepAlive: true });
  }

  /** @throws ApiError */
  call<T>(method: Method, path: string, body?: unknown): Promise<T> {
    // Strategic: conditions of a status are told apart by their type, so those of others stay.
    const type = method === 'PATCH' ? 'application/strategic-merge-patch+json' : 'application/json';
    const text = body === undefined ? '' : JSON.stringify(body);
    // Node tells no length by itself when it deletes, and then the body counts for nothing.
    const headers = { 'Content-Type': type, 'Content-Length': Buffer.byteLength(text) };
    return new Promise((resolve, reject) => {
      const asked = request(`${this.#server}${path}`, { method, agent: this.#agent, headers });
      asked.on('error', (error) => reject(new ApiError(0, error.message)));
      asked.on('response', (answer) => {
        let said = '';
        answer.setEncoding('utf8');
        answer.on('data', (chunk: string) => {
          said += chunk;
        });
        answer.on('error', (error) => reject(new ApiError(0, error.message)));
        answer.on('end', () => {
          const { statusCode = 0 } = answer;
          if (statusCode >= 200 && statusCode < 300) resolve(JSON.parse(said) as T);
          else reject(new ApiError(statusCode, `${method} ${path}: ${statusCode} ${said}`));
        });
      });
      asked.end(text);
    });
  }

  /** Until the connection ends, however it does. */
  async watch(path: string, onEvent: (type: string, object: unknown) => void): Promise<void> {
    const asked = request(`${this.#server}${path}`, { agent: this.#agent });
    await new Promise<void>((resolve) => {
      asked.on('error', () => resolve());
      asked.on('close', () => resolve());
      asked.on('response', (answer) => {
        answer.on('error', () => resolve());
        const lines = createInterface({ input: answer });
        lines.on('line', (line) => {
          const { type, object } = JSON.parse(line) as { readonly type: string; readonly object: unknown };
          onEvent(type, object);
        });
        lines.on('error', () => resolve());
        lines.on('close', () => resolve());
      });
      asked.end();
    });
    asked.destroy();
  }
}

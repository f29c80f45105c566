/** What the API server, or the way to it, has refused: with the words that lead to what is missing. */
import { z } from 'zod';
import { SweepError } from '../../core/errors.js';

export interface KubeCall {
  /** As a Role says it: `get`, `list`, `watch`, `create`, `patch`, `delete`. */
  readonly verb: string;
  /** As a Role says it: `jobs`, `pods/log`. */
  readonly resource: string;
  readonly namespace: string;
  /** HOST:PORT of the API server. */
  readonly server: string;
}

const Status = z.object({ message: z.string().default(''), reason: z.string().default('') });

export class KubeError extends Error {
  override readonly name = 'KubeError';
  /** HTTP; 0: no answer has come. */
  readonly status: number;
  /** `AlreadyExists`, `Expired`, …; empty: none was given. */
  readonly reason: string;
  readonly call: KubeCall;
  /** What the server asks us to wait; `null`: it does not say. */
  readonly retryAfterMs: number | null;

  constructor(
    call: KubeCall,
    details: { status: number; reason?: string; message: string; retryAfterMs?: number | null; cause?: unknown },
  ) {
    super(details.message, { cause: details.cause });
    this.call = call;
    this.status = details.status;
    this.reason = details.reason ?? '';
    this.retryAfterMs = details.retryAfterMs ?? null;
  }

  static ofResponse(call: KubeCall, status: number, body: string, retryAfter: string | undefined): KubeError {
    const said = statusOf(body);
    const seconds = Number(retryAfter);
    return new KubeError(call, {
      status,
      reason: said.reason,
      message: said.message === '' ? `HTTP ${status}` : said.message,
      retryAfterMs: retryAfter !== undefined && seconds >= 0 ? seconds * 1000 : null,
    });
  }

  /** Of the way to the server, or of who asks: any other request would fare no better now. */
  get isOfServer(): boolean {
    return this.status === 0 || this.status === 401 || this.status === 429;
  }

  /** The same request may well be answered later. */
  get isPassing(): boolean {
    return this.status === 0 || this.status === 401 || this.status === 408 || this.status === 429 || this.status >= 500;
  }

  toSweepError(): SweepError {
    const { verb, resource, namespace, server } = this.call;
    const options = (hint: string) => ({ hint, cause: this });
    switch (this.status) {
      case 0:
        return new SweepError(
          'UNAVAILABLE',
          `the Kubernetes API server at ${server} does not answer: ${this.message}`,
          options('is it the cluster that the kubeconfig names, and is it up? `kubectl version` asks it too'),
        );
      case 401:
        return new SweepError(
          'AUTH_INVALID',
          `the Kubernetes API server at ${server} does not know who asks (401 on ${verb} ${resource})`,
          options(
            'the credentials of the kubeconfig, or the service account token, have expired or are of another cluster',
          ),
        );
      case 403:
        return new SweepError(
          'NOT_ALLOWED',
          `Kubernetes refuses ${verb} on ${resource} in namespace ${namespace}: ${this.message}`,
          options(
            `if it is RBAC, a Role there needs verb ${verb} on resource ${resource}; see k8s/base/rbac.yaml, ` +
              `and \`kubectl auth can-i ${verb} ${resource} -n ${namespace}\``,
          ),
        );
      case 404:
        return new SweepError('USAGE', `namespace ${namespace}: ${this.message}`, options(''));
      default:
        return new SweepError(
          this.isPassing ? 'UNAVAILABLE' : 'PLACE_ABSENT',
          `Kubernetes refuses ${verb} on ${resource} in namespace ${namespace} (${this.status}): ${this.message}`,
          options(''),
        );
    }
  }
}

function statusOf(body: string): z.infer<typeof Status> {
  try {
    return Status.parse(JSON.parse(body));
  } catch {
    return { message: body.trim().slice(0, 300), reason: '' };
  }
}

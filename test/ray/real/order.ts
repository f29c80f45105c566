import { findPython, pythonPath } from '../../../orchestrator/cli/python.js';
import type { Ask, WorkerOrder } from '../../../orchestrator/launchers/ray/cluster.js';
import { readWorkerCode } from '../../../orchestrator/launchers/ray/worker-code.js';
import { membersOf } from '../../../orchestrator/launchers/ray/worker-ids.js';
import type { TestPlane } from '../../support/control-planes.js';

export const ASK: Ask = { cpus: 0.5, gpus: 0, memoryBytes: 0, custom: {} };
const CODE = readWorkerCode(pythonPath());

/** Of a worker that joins a control plane, as the launcher would have it, or of a gang of them. */
export function orderOf({ plane }: TestPlane, workerId: string, otherwise: Partial<WorkerOrder> = {}): WorkerOrder {
  return {
    workerId,
    members: membersOf(workerId),
    args: ['--server', plane.address, '--threads', '1', '--gpus', '0'],
    env: { DSS_JOIN_TOKEN: plane.joinToken, DSS_PYTHON: findPython() },
    python: null,
    ask: ASK,
    code: CODE,
    ...otherwise,
  };
}

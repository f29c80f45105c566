/** What a node without images needs in the place of those that k8s/ names. */
import { dirname } from 'node:path';
import { findPython, pythonPath } from '../../orchestrator/cli/python.js';
import { COMMAND } from '../support/dss.js';
import type { NodeOptions } from './cluster/cluster.js';

export const OUR_IMAGES: NodeOptions = {
  entryPoints: { 'dss-control-plane': COMMAND },
  // Of the worker's image, whose command is a pool's to give.
  env: { PATH: `${dirname(findPython())}:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`, PYTHONPATH: pythonPath() },
  // In the place of the Service: pods of a process node share one network.
  hosts: { 'dss.dss.svc': '127.0.0.1' },
};

/** Holds the state folder in argv[2] in a process of its own, until it is killed. */
import { acquireStateLock } from '../../orchestrator/control/state-lock.js';

const lock = acquireStateLock(process.argv[2] ?? '');
lock.announce({ address: '127.0.0.1:1', clientToken: 'token', serves: false }, Date.UTC(2026, 10, 24));
process.stdout.write('held\n');
setInterval(() => {}, 60_000);

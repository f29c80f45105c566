/** Whom a control plane tells of sweeps that fail or end: an address in a file, since it is a secret. */
import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import type { ControlPlane } from '../../control/control-plane.js';
import { SweepError } from '../../core/errors.js';
import { tellOfSweeps } from '../../observe/sweep-news.js';
import { Webhook } from '../../observe/webhook.js';

/** Gives what ends it. @throws SweepError USAGE */
export function startWebhook({ view }: ControlPlane, logger: Logger, env: NodeJS.ProcessEnv = process.env): () => void {
  const { DSS_WEBHOOK_FILE: path, DSS_WEBHOOK_HOSTS: hosts = '' } = env;
  if (path === undefined || path === '') return () => {};
  let url: string;
  try {
    url = readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw new SweepError('USAGE', `DSS_WEBHOOK_FILE: ${path} cannot be read: ${(cause as Error).message}`, { cause });
  }
  const webhook = new Webhook({ url, hosts: hosts.split(',').map((host) => host.trim()) });
  logger.info({ place: webhook.place }, 'notifications are on');
  return tellOfSweeps(view, webhook, logger);
}

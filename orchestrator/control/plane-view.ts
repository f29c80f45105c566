/** What a control plane shows to pages, metrics and notifications. */
import { Metadata } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import type { Journal } from '../journal/journal.js';
import type { EventListener, PlaneView } from '../observe/plane-view.js';
import { ClientServiceService } from '../wire/generated/dss/v1/client.js';
import type { ControlLoop } from './control-loop.js';
import type { Identities } from './identities.js';
import type { LogStore } from './log-store.js';

export interface PlaneViewParts {
  readonly loop: ControlLoop;
  readonly journal: Journal;
  readonly logs: LogStore;
  readonly identities: Identities;
  readonly logger: Logger;
  readonly listeners: Set<EventListener>;
  /** What the sweeps ask of their places has changed. */
  readonly onDemand: () => void;
}

export function createPlaneView(parts: PlaneViewParts): PlaneView {
  const { loop, journal, logs, identities, logger, listeners, onDemand } = parts;
  return {
    journal,
    workers: () => loop.workers(),
    watch: (sweep, watcher) => loop.watch(sweep, watcher),
    onEvents: (listener) => {
      const heard: EventListener = (events) => {
        try {
          listener(events);
        } catch (reason) {
          logger.error({ err: reason }, 'an observer failed'); // nobody else is to fail for it
        }
      };
      listeners.add(heard);
      return () => listeners.delete(heard);
    },
    log: (trialId, signal) => logs.read(trialId, () => false, signal),
    isLending: () => loop.isLending,
    callerOf: (token) => identities.callerOf(callWith(token)),
    act: (sweep, action) => {
      switch (action) {
        case 'cancel':
          return loop.cancel(sweep);
        case 'pause':
          loop.sweeps.pause(sweep, 'by hand');
          return 0;
        case 'resume':
          loop.sweeps.resume(sweep);
          onDemand();
          return 0;
        case 'retry': {
          const queued = loop.sweeps.retry(sweep, { onlyFailed: true });
          onDemand();
          return queued;
        }
      }
    },
  };
}

/** The least that a token must be good for; what it allows besides, its role says. */
function callWith(token: string) {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  return { metadata, getPath: () => ClientServiceService.info.path, getAuthContext: () => null };
}

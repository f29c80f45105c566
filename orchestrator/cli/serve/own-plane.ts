/** A control plane that a command starts for itself, on the durable journal. */
import { type ControlPlane, type ControlPlaneOptions, startControlPlane } from '../../control/control-plane.js';
import { networkFileSystem } from '../../journal/sqlite/open-database.js';
import { openJournalWhileChecking } from '../../journal/sqlite/sqlite-journal.js';
import { ownVersion } from '../version.js';

export function startOwnPlane(options: Omit<ControlPlaneOptions, 'openJournal' | 'version'>): Promise<ControlPlane> {
  return startControlPlane({
    ...options,
    version: ownVersion(),
    openJournal: (home) => {
      const fileSystem = networkFileSystem(home);
      if (fileSystem !== null) {
        options.logger.warn({ home, fileSystem }, 'the state folder is on a network file system, where locks may fail');
      }
      return openJournalWhileChecking(home);
    },
  });
}

/** The thread of `checkPages`. */
import { parentPort, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';

function look(path: string): string {
  try {
    const db = new Database(path, { fileMustExist: true, readonly: true, timeout: 5_000 });
    try {
      return String(db.pragma('quick_check(1)', { simple: true }));
    } finally {
      db.close();
    }
  } catch (error) {
    // A damage that SQLite cannot even look past.
    if (error instanceof Database.SqliteError && /^SQLITE_(CORRUPT|NOTADB)/.test(error.code)) return error.message;
    throw error;
  }
}

parentPort?.postMessage(look(String(workerData)));

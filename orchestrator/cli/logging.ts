/** Log events for operators: JSON lines on stderr, written at once so that none is lost at the end. */
import { type Logger, pino } from 'pino';

export type { Logger } from 'pino';

/** Takes whole lines with their ends. */
export interface LineFile {
  write(line: string): void;
}

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Of what a service keeps in a file, whatever is shown on stderr. */
const FILE_LEVEL = 'info';

/** `write` takes whole lines, for a display that shares the terminal; without it they go to stderr. */
export function createLogger(level: LogLevel, write?: (line: string) => void, file?: LineFile): Logger {
  const options = {
    level: file === undefined || level === 'debug' ? level : FILE_LEVEL,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: {
      paths: ['token', '*.token', 'clientToken', '*.clientToken', 'joinToken', '*.joinToken', '*.authorization'],
    },
  };
  const shown =
    write === undefined ? pino.destination({ fd: 2, sync: true }) : { write: (line: string) => write(line.trimEnd()) };
  if (file === undefined) return pino(options, shown);
  const streams = [
    { level, stream: shown },
    { level: level === 'debug' ? level : FILE_LEVEL, stream: file },
  ];
  return pino(options, pino.multistream(streams));
}

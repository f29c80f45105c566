/** Log events for operators: JSON lines on stderr, written at once so that none is lost at the end. */
import { type Logger, pino } from 'pino';

export type { Logger } from 'pino';

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** `write` takes whole lines, for a display that shares the terminal; without it they go to stderr. */
export function createLogger(level: LogLevel, write?: (line: string) => void): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: {
      paths: ['token', '*.token', 'clientToken', '*.clientToken', 'joinToken', '*.joinToken', '*.authorization'],
    },
  };
  return write === undefined
    ? pino(options, pino.destination({ fd: 2, sync: true }))
    : pino(options, { write: (line: string) => write(line.trimEnd()) });
}

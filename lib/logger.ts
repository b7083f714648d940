// Structured logs: pino's interface, of which we use little. Fields are ids and figures, never user data or secrets.

import { type DestinationStream, pino } from 'pino';

export interface Logger {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** Logs JSON lines; by default to standard error, so that standard output is the command's own. */
export function createLogger(name: string, destination: DestinationStream = pino.destination(2)): Logger {
  return pino({ name, base: { name } }, destination);
}

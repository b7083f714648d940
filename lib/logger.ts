// Structured logs: pino's interface, of which we use little. Fields are ids and figures, never user data or secrets.
//
// On a terminal lines are for eyes, anywhere else they are JSON; LOG_FORMAT=json or text decides otherwise, and NO_COLOR
// takes the colours away.

import { isatty } from 'node:tty';
import { type DestinationStream, pino } from 'pino';
import { readableLine } from './readable-log.ts';

export interface Logger {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

const STANDARD_ERROR = 2;

/** By default to standard error, so that standard output is the command's own. */
export function createLogger(name: string, destination: DestinationStream = toStandardError()): Logger {
  return pino({ name, base: { name } }, destination);
}

function toStandardError(): DestinationStream {
  const stream = pino.destination(STANDARD_ERROR);
  const { LOG_FORMAT: format, NO_COLOR: noColour = '' } = process.env;
  const isTerminal = isatty(STANDARD_ERROR);
  if (format === 'json' || (format !== 'text' && !isTerminal)) return stream;
  const withColours = isTerminal && noColour === '' && process.env['TERM'] !== 'dumb';
  return { write: (line) => void stream.write(`${readableLine(line, withColours)}\n`) };
}

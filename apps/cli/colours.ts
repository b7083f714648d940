// Colours for people: on a terminal, unless NO_COLOR asks for none (no-color.org). Words never depend on them.

import { styleText } from 'node:util';
import type { Io } from './command.ts';

export function paint(io: Io, colour: 'green' | 'red' | 'yellow', text: string): string {
  const wanted = io.isTerminal && (io.env['NO_COLOR'] ?? '') === '' && io.env['TERM'] !== 'dumb';
  return wanted ? styleText(colour, text, { validateStream: false }) : text;
}

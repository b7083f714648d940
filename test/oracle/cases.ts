// Every hand-written case: rules, events and what must be decided. The oracle is tested by them, and so is the engine.

import { ABSENCE_CASES } from './cases/absence.ts';
import { COMPOUND_CASES } from './cases/compounds.ts';
import { COUNT_CASES } from './cases/count.ts';
import { DATE_CASES } from './cases/dates.ts';
import { EVENT_CASES } from './cases/event.ts';
import { FIGURE_CASES } from './cases/figures.ts';
import { GATE_CASES } from './cases/gates.ts';
import { INACTIVE_CASES } from './cases/inactive.ts';
import { SEQUENCE_CASES } from './cases/sequence.ts';
import { TIME_CASES } from './cases/time.ts';
import type { Case } from './notation.ts';

export const CASES: readonly Case[] = [
  ...EVENT_CASES,
  ...ABSENCE_CASES,
  ...INACTIVE_CASES,
  ...COUNT_CASES,
  ...GATE_CASES,
  ...SEQUENCE_CASES,
  ...TIME_CASES,
  ...FIGURE_CASES,
  ...DATE_CASES,
  ...COMPOUND_CASES,
];

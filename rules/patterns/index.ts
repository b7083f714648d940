// The patterns, each a line: the order is that of the documentation.

import type { StateCodec } from '../../schemas/section.ts';
import { absencePattern } from './absence.ts';
import { aggregatePattern } from './aggregate.ts';
import { atPattern } from './at.ts';
import { baselinePattern } from './baseline.ts';
import { changePattern } from './change.ts';
import { allPattern, anyPattern } from './compound.ts';
import { countPattern } from './count/count.ts';
import type { PatternDefinition } from './definition.ts';
import { eventPattern } from './event.ts';
import { inactivePattern } from './inactive.ts';
import type { PatternState } from './pattern.ts';
import { segmentPattern } from './segment.ts';
import { sequencePattern } from './sequence/sequence.ts';
import { sessionPattern } from './session/session.ts';
import { thresholdPattern } from './threshold.ts';

export const PATTERNS: readonly PatternDefinition[] = [
  eventPattern,
  absencePattern,
  inactivePattern,
  countPattern,
  aggregatePattern,
  baselinePattern,
  thresholdPattern,
  changePattern,
  segmentPattern,
  atPattern,
  sessionPattern,
  sequencePattern,
  allPattern,
  anyPattern,
];

/** How what patterns remember is stored, by the kind of state. */
export const PATTERN_STATES: ReadonlyMap<string, StateCodec<PatternState>> = new Map(
  PATTERNS.flatMap(({ states }) => states.map((codec) => [codec.kind, codec])),
);

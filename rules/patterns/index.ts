// The patterns of this version, by name.

import type { PatternKind } from '../api.ts';
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
import { segmentPattern } from './segment.ts';
import { sequencePattern } from './sequence/sequence.ts';
import { sessionPattern } from './session/session.ts';
import { thresholdPattern } from './threshold.ts';

export const PATTERNS: Readonly<Record<PatternKind, PatternDefinition>> = {
  event: eventPattern,
  absence: absencePattern,
  inactive: inactivePattern,
  count: countPattern,
  aggregate: aggregatePattern,
  baseline: baselinePattern,
  threshold: thresholdPattern,
  change: changePattern,
  at: atPattern,
  sequence: sequencePattern,
  session: sessionPattern,
  segment: segmentPattern,
  all: allPattern,
  any: anyPattern,
};

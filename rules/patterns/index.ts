// The patterns of this version, by name.

import type { PatternKind } from '../api.ts';
import { absencePattern } from './absence.ts';
import { countPattern } from './count.ts';
import type { PatternDefinition } from './definition.ts';
import { eventPattern } from './event.ts';
import { inactivePattern } from './inactive.ts';

export const PATTERNS: Readonly<Record<PatternKind, PatternDefinition>> = {
  event: eventPattern,
  absence: absencePattern,
  inactive: inactivePattern,
  count: countPattern,
};

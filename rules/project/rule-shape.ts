// Whether what a pattern remembers survives a change of its rule: rules of one shape share their state.
//
// Invariants:
//   S1. Of one shape: the same pattern, captures, `by`, lane and entity, in the set without a break; with
//       `migrate: reset`, also the same version. Conditions, durations and bounds may change.
//   S2. What a sequence remembers is compared once more, with its steps (patterns/sequence/).

import { createHash } from 'node:crypto';
import { PATTERNS } from '../patterns/index.ts';
import type { Lane } from '../patterns/pattern.ts';
import type { RuleBody } from './rule-schema.ts';

/** Three bytes in a document; that two shapes of one rule are mistaken for each other is one in a million. */
const BITS = 20;

export interface ShapeContext {
  readonly version: string;
  readonly lane: Lane;
  /** Version of the rule set since which the rule has been there; 0: rule sets have no versions here. */
  readonly since: number;
}

/** Never 0, which stands for a state of which nothing is known. */
export function shapeOf({ when, entity, migrate }: RuleBody, { version, lane, since }: ShapeContext): number {
  const parts = [outlineOf(when), entity ?? 'user', lane, since, migrate === 'reset' ? version : ''];
  const bits = createHash('sha256').update(JSON.stringify(parts)).digest().readUInt32BE() >>> (32 - BITS);
  return bits === 0 ? 1 : bits;
}

/** What state is made of: which patterns, under which names, apart by what. */
const KEPT = new Set(['as', 'by', 'distinct', 'steps', 'all', 'any']);

/** Names of patterns all the way down, and the fields in KEPT. */
function outlineOf(value: unknown, name = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => outlineOf(item, name));
  if (typeof value !== 'object' || value === null) return KEPT.has(name) && typeof value === 'string' ? value : null;
  return Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .map(([field, inner]) => [field, outlineOf(inner, field)])
    .filter(([field, inner]) => inner !== null || PATTERN_NAMES.has(String(field)))
    .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
}

const PATTERN_NAMES: ReadonlySet<string> = new Set(PATTERNS.map(({ kind }) => kind));

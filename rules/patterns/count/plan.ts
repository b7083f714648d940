// What the three kinds of `count` are made from.

import type { Expression } from '../../expressions/scope.ts';
import type { EventFilter } from '../definition.ts';

export interface CountPlan {
  readonly filter: EventFilter;
  /** Only events with a value for it count, and equal values once. Null: every event counts. */
  readonly distinct: Expression | null;
  readonly bound: number;
  readonly withinMs: number;
  readonly reorderMs: number;
  /** As the rule has it, for words. */
  readonly withinText: string;
  /** The words for a count of nothing. */
  readonly nothing: string;
}

// Entries in order of time: what `count` keeps of events.

import * as binary from '../../../schemas/binary.ts';
import type { Event } from '../../../schemas/event.ts';
import type { Expression } from '../../expressions/scope.ts';
import { NO_CAPTURES } from '../definition.ts';
import type { PatternInput } from '../pattern.ts';
import { shortened } from '../shortened.ts';

/** An event with its value for `distinct`. */
export interface DistinctEntry {
  at: number;
  messageId: string;
  value: string;
}

export const distinctEntry = binary.record<DistinctEntry>({
  at: binary.integer,
  messageId: binary.text,
  value: binary.text,
});

/** How many entries are stamped at or before `time`. */
export function endAt(entries: readonly { readonly at: number }[], time: number): number {
  let index = entries.length;
  while (index > 0 && entries[index - 1]!.at > time) index--;
  return index;
}

/** The event's value for `distinct`, short; null when it has none, or the expression fails, which is reported. */
export function distinctValue(distinct: Expression, event: Event, { scope, failed }: PatternInput): string | null {
  scope.event = event;
  scope.captures = NO_CAPTURES;
  try {
    const value = distinct.evaluate(scope);
    return typeof value === 'string' ? shortened(value) : null;
  } catch (error) {
    failed(distinct.source, error);
    return null;
  }
}

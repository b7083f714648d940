// What a match is to the oracle, and the questions that all patterns ask of one event.

import { EvaluationError, evaluate, holds, type Names } from './expression.ts';
import { type EventPattern, named, type OracleEvent } from './rule.ts';

/** A candidate for a decision. */
export interface OracleMatch {
  readonly at: number;
  readonly events: readonly string[];
  /** `event` and the captures, for `if` and the cooldown's key. */
  readonly names: Names;
  /** Place, among the events evaluated, of the event that completed it or began its clock. */
  readonly place: number;
  /** Whether it came with a deadline. */
  readonly due: boolean;
}

export interface Placed {
  readonly event: OracleEvent;
  readonly place: number;
}

/** The expression's value as text; undefined when it fails or is null, which is no value. */
export function valueText(expression: string, names: Names): string | undefined {
  try {
    const value = evaluate(expression, names);
    return value === null ? undefined : JSON.stringify(value);
  } catch (error) {
    if (error instanceof EvaluationError) return undefined;
    throw error;
  }
}

export function fits(pattern: EventPattern, event: OracleEvent, captures: Names = {}): boolean {
  return named(pattern.event, event) && (pattern.where === undefined || holds(pattern.where, { ...captures, event }));
}

/** A match of one event, at `at`; later than the event: with a deadline. */
export function matchAt({ event, place }: Placed, at: number, as?: string): OracleMatch {
  const names = { event, ...captured(as, event) };
  return { at, events: [event.messageId], names, place, due: at > event.time };
}

export function captured(as: string | undefined, event: OracleEvent): Names {
  return as === undefined ? {} : { [as]: event };
}

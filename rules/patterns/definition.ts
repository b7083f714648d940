// What a pattern file offers to the compiler: its default lane and how its fields become a Pattern.
//
// Owns: interfaces, and the small steps that all patterns share. A new pattern is one file here and a row in index.ts.

import { parseDuration } from '../../lib/duration.ts';
import type { Event } from '../../schemas/event.ts';
import type { Condition, Lane, Pattern, PatternInput, PatternKind } from '../api.ts';
import type { Path } from '../parse.ts';
import type { WhenBody } from '../schema.ts';

export interface PatternTools {
  /** How far behind the newest event an event may come, ms; 0 in the event-time lane, which has put them in order. */
  readonly reorderMs: number;
  /** Whether an event that made the match is read after it: by `if`, the cooldown's key or `then`. */
  readonly readsMatched: boolean;
  /** Where the pattern's own fields are. */
  readonly path: Path;
  /** Compiles a condition over `event` and these captures; null when there is none, or it has a mistake (reported). */
  condition(path: Path, source: string | undefined, captures: readonly string[]): Condition | null;
  /** Reports an `as` that cannot be used; the name if it can. */
  capture(path: Path, name: string | undefined): string | null;
  error(path: Path, message: string, hint?: string): void;
}

export interface PatternPlan {
  readonly pattern: Pattern;
  /** Names that the rest of the rule may use. */
  readonly captures: readonly string[];
  /** False where `then` has no event to show, only captures. */
  readonly eventInThen: boolean;
}

export interface PatternDefinition {
  readonly kind: PatternKind;
  readonly lane: Lane;
  /** The body may lack parts that had mistakes; those are reported, and what comes back is then not run. */
  compile(when: WhenBody, tools: PatternTools): PatternPlan;
}

export const NO_CAPTURES: Readonly<Record<string, Event>> = Object.freeze({});

/** Which events a pattern looks at: by name, and by a condition. */
export interface EventFilter {
  /** Null: every name. */
  readonly names: ReadonlySet<string> | null;
  readonly where: Condition | null;
}

export function filterOf(names: string | readonly string[] | undefined, where: Condition | null): EventFilter {
  const list =
    names === undefined ? [] : typeof names === 'string' ? [names] : names.filter((name) => name !== undefined);
  return { names: list.includes('*') ? null : new Set(list), where };
}

/** Whether the filter lets the event through; sets the scope's event and captures. */
export function matchesFilter(
  filter: EventFilter,
  event: Event,
  captures: Readonly<Record<string, Event>>,
  input: PatternInput,
): boolean {
  if (filter.names !== null && !filter.names.has(event.event)) return false;
  if (filter.where === null) return true;
  input.scope.event = event;
  input.scope.captures = captures;
  return filter.where.holds(input.scope, input.failed);
}

/** The names that several filters look at together. */
export function interestsOf(filters: readonly EventFilter[]): readonly string[] | '*' {
  const names = new Set<string>();
  for (const filter of filters) {
    if (filter.names === null) return '*';
    for (const name of filter.names) names.add(name);
  }
  return [...names];
}

/** Milliseconds of a duration whose form was checked; 1 where it is missing, which was reported. */
export function msOf(duration: string | undefined): number {
  return (duration === undefined ? null : parseDuration(duration)) ?? 1;
}

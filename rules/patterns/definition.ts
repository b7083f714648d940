// What a pattern is to the language: its shape, its default lane, and how its fields become a Pattern.
//
// Owns: interfaces, and the small steps that all patterns share. A new pattern is one file here and a line in index.ts.

import type { Static, TSchema } from 'typebox';
import { parseDuration } from '../../lib/duration.ts';
import type { Event } from '../../schemas/event.ts';
import type { StateCodec } from '../../schemas/section.ts';
import type { WantedValue } from '../expressions/rule-builder.ts';
import type { Condition, Expression, Scope } from '../expressions/scope.ts';
import type { SessionCondition, SessionMeasures } from '../expressions/session-measures.ts';
import type { Path } from '../language/parse.ts';
import type { Loose } from '../language/parts.ts';
import type { Lane, Pattern, PatternInput, PatternState } from './pattern.ts';

export interface PatternTools {
  /** How far behind the newest event an event may come, ms; 0 in the event-time lane, which has put them in order. */
  readonly reorderMs: number;
  /** Whether an event that made the match is read after it: by `if`, the cooldown's key or `then`. */
  readonly readsMatched: boolean;
  /** Where the pattern's own fields are. */
  readonly path: Path;
  /** Of those fields that the pattern says it has. */
  readonly beside: Beside;
  /**
   * Compiles a condition over `event` and these captures, of which `lists` are lists of events; null when there is none, or
   * it has a mistake (reported).
   */
  condition(
    path: Path,
    source: string | undefined,
    captures: readonly string[],
    lists?: readonly string[],
  ): Condition | null;
  /** Whether the rule has something at this place, be it wrong. */
  isWritten(path: Path): boolean;
  /** The same for any value of these CEL types, `dyn` included; others are reported. */
  value(path: Path, source: string | undefined, wanted: WantedValue): Expression | null;
  /** The condition of a session and what it asks for; null as above. */
  sessionCondition(path: Path, source: string | undefined): SessionCondition | null;
  /** Reports a segment that there is not. */
  segment(path: Path, id: string): void;
  /** To be called by a pattern that compares or reads the profile otherwise than by an expression. */
  readsProfile(): void;
  /** Compiles a pattern inside this one. Null: it has mistakes, which were reported. */
  inner(when: unknown, path: Path): PatternPlan | null;
  /** Reports an `as` that cannot be used; the name if it can. */
  capture(path: Path, name: string | undefined): string | null;
  error(path: Path, message: string, hint?: string): void;
}

export interface PatternPlan {
  readonly pattern: Pattern;
  /** Names that the rest of the rule may use. */
  readonly captures: readonly string[];
  /** Those of them that are lists of events; left out: none. */
  readonly lists?: readonly string[];
  /** False where `then` has no event to show, only captures. */
  readonly eventInThen: boolean;
  /** What the rest of the rule asks of `session`; left out where there is none. */
  readonly session?: SessionMeasures;
}

/** A pattern of the language: all that there is of it, but for its line in index.ts. */
export interface PatternDefinition<Body = unknown> {
  /** Its name in `when`. */
  readonly kind: string;
  /** What stands under the name, with the words that editors show. */
  readonly shape: TSchema;
  /** Fields that stand beside the name; left out: none. */
  readonly beside?: readonly (keyof Beside)[];
  /** The lane of a rule that does not say `order`. */
  readonly lane: Lane | ((body: Body) => Lane);
  /** What it may keep; empty: nothing. */
  readonly states: readonly StateCodec<PatternState>[];
  /** The body may lack parts that had mistakes; those are reported, and what comes back is then not run. */
  compile(body: Body, tools: PatternTools): PatternPlan;
}

/** Fields of `when` beside the pattern itself. */
export interface Beside {
  readonly where?: string | undefined;
  readonly as?: string | undefined;
  readonly within?: string | undefined;
}

export function definePattern<Shape extends TSchema>(
  definition: { readonly shape: Shape } & PatternDefinition<Loose<Static<Shape>>>,
): PatternDefinition {
  return definition as PatternDefinition;
}

/** Whether one of these fields of the pattern is written, be it with a mistake, which was reported. */
export function isAnyWritten(tools: PatternTools, ...fields: readonly string[]): boolean {
  return fields.some((field) => tools.isWritten([...tools.path, field]));
}

export const NO_CAPTURES: Readonly<Record<string, Event>> = Object.freeze({});

/** Which events a pattern looks at: by name, and by a condition. */
export interface EventFilter {
  /** Null: every name. */
  readonly names: ReadonlySet<string> | null;
  readonly where: Condition | null;
}

export function filterOf(
  names: string | readonly (string | undefined)[] | undefined,
  where: Condition | null,
): EventFilter {
  const list =
    names === undefined ? [] : typeof names === 'string' ? [names] : names.filter((name) => name !== undefined);
  return { names: list.includes('*') ? null : new Set(list), where };
}

/** The filter of a pattern's own `event` and `where`; `byDefault`: the names it looks at when it says none. */
export function eventFilter(
  {
    event,
    where,
  }: { readonly event?: string | readonly (string | undefined)[] | undefined; readonly where?: string | undefined },
  tools: PatternTools,
  byDefault?: string | readonly string[],
): EventFilter {
  return filterOf(event ?? byDefault, tools.condition([...tools.path, 'where'], where, []));
}

/** Whether the filter lets the event through; sets the scope's event and captures. */
export function matchesFilter(
  filter: EventFilter,
  event: Event,
  captures: Scope['captures'],
  input: Pick<PatternInput, 'scope' | 'failed'>,
): boolean {
  if (filter.names !== null && !filter.names.has(event.event)) return false;
  if (filter.where === null) return true;
  input.scope.event = event;
  input.scope.captures = captures;
  return filter.where.holds(input.scope, input.failed);
}

/** The value of a figure as a number; null when it fails or is none, which is reported. Sets the scope's event. */
export function figureOf(expression: Expression, event: Event, input: PatternInput): number | null {
  input.scope.event = event;
  input.scope.captures = NO_CAPTURES;
  try {
    const value = expression.evaluate(input.scope);
    const figure = typeof value === 'bigint' ? Number(value) : value;
    input.scope.observer?.(expression, figure, input.scope);
    if (typeof figure === 'number' && Number.isFinite(figure)) return figure;
    input.failed(expression.source, new TypeError('the value must be a number'));
  } catch (error) {
    input.failed(expression.source, error);
  }
  return null;
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

/** The words of a pattern that has no deadline of its own to speak of. */
export const NO_DEADLINE_WORDS = { deadline: () => 'a time that the pattern waited for' } as const;

/** Names of an event pattern or a list of them, as one reads them. */
export function namesInWords(pattern: unknown): string {
  if (Array.isArray(pattern)) return pattern.map(namesInWords).join(' or ');
  if (typeof pattern === 'string') return pattern === '*' ? 'any event' : pattern;
  const { event, where } = (pattern ?? {}) as { event?: unknown; where?: string };
  return event === undefined ? 'its event' : `${namesInWords(event)}${whereInWords(where)}`;
}

export function whereInWords(where: string | undefined): string {
  return where === undefined ? '' : ` where ${where}`;
}

export function boundInWords({ above, below }: { above?: number | undefined; below?: number | undefined }): string {
  if (above !== undefined) return `; fires above ${above}`;
  return below === undefined ? '' : `; fires below ${below}`;
}

/** `3 events`. */
export function many(count: number, noun: string): string {
  const plural = noun.endsWith('ch') ? `${noun}es` : `${noun}s`;
  return `${count} ${count === 1 ? noun : plural}`;
}

export function isoOf(time: number): string {
  return new Date(time).toISOString();
}

/** What is said where a pattern keeps nothing yet and has no better words. */
export const NOTHING_KEPT = 'nothing is kept: it has seen nothing yet that it asks for';

// The figures of a session: how often, how many different, the greatest.
//
// Invariants:
//   F1. A figure is kept by its text, so that a rule that asks for others starts those anew and reads none by mistake.
//   F2. An event for which the expression of `distinct` or `max` has no value takes no part in it, which is no failure:
//       a session has events of all kinds.
//   F3. At most DISTINCT_MAX values are kept for each `distinct`; what comes beyond is not counted as new, and that is
//       counted as dropped.

import type { Event } from '../../../schemas/event.ts';
import type { SessionFigures } from '../../expressions/scope.ts';
import type { SessionMeasure, SessionMeasures } from '../../expressions/session-measures.ts';
import { NO_CAPTURES } from '../definition.ts';
import type { PatternInput } from '../pattern.ts';
import { shortened } from '../shortened.ts';

/** Twelve bytes each: what one person looks at in one session is far below it. */
const DISTINCT_MAX = 1_000;

export interface SessionState {
  readonly kind: 'session';
  start: number;
  newest: number;
  events: number;
  /** Whether the session was reported. */
  fired: boolean;
  firstId: string;
  last: Event;
  /** `count(name)` and `max(expression)`, by their text. */
  figures: { of: string; value: number }[];
  /** `distinct(expression)`, by its text. */
  distinct: { of: string; values: string[] }[];
}

/** A copy, which what comes later in the session does not change. */
export function figuresOf(state: SessionState): SessionFigures {
  const figures = new Map(state.figures.map(({ of, value }) => [of, value]));
  for (const { of, values } of state.distinct) figures.set(of, values.length);
  const { start, newest, events } = state;
  return { durationMs: newest - start, events, figure: (text) => figures.get(text) ?? absent(text) };
}

/** Nothing was counted; there is no greatest of nothing. */
function absent(text: string): number | undefined {
  return text.startsWith('session.max(') ? undefined : 0;
}

export function addToFigures(state: SessionState, event: Event, measures: SessionMeasures, input: PatternInput): void {
  for (const measure of measures.list) {
    if (measure.kind === 'count') addCount(state, event, measure.event, measure.text);
    else addValue(state, event, measure, input);
  }
}

function addCount(state: SessionState, event: Event, name: string, text: string): void {
  if (event.event !== name) return;
  const figure = state.figures.find(({ of }) => of === text);
  if (figure === undefined) state.figures = [...state.figures, { of: text, value: 1 }];
  else figure.value++;
}

type ValueMeasure = Exclude<SessionMeasure, { kind: 'count' }>;

function addValue(state: SessionState, event: Event, measure: ValueMeasure, input: PatternInput): void {
  const value = readValue(event, measure, input);
  if (value === null) return;
  const { text: of } = measure;
  if (measure.kind === 'distinct') {
    addDistinct(state, of, shortened(String(value)), input);
    return;
  }
  const number = Number(value);
  if (!Number.isFinite(number)) return;
  const figure = state.figures.find((each) => each.of === of);
  if (figure === undefined) state.figures = [...state.figures, { of, value: number }];
  else figure.value = Math.max(figure.value, number);
}

/** Null: the event has no such value (F2). Text counts for `distinct` only. */
function readValue(event: Event, { kind, expression }: ValueMeasure, { scope }: PatternInput): unknown {
  scope.event = event;
  scope.captures = NO_CAPTURES;
  try {
    const value = expression.evaluate(scope) ?? null;
    return kind === 'distinct' || typeof value === 'number' || typeof value === 'bigint' ? value : null;
  } catch {
    return null;
  }
}

function addDistinct(state: SessionState, of: string, value: string, input: PatternInput): void {
  const seen = state.distinct.find((each) => each.of === of);
  if (seen === undefined) state.distinct = [...state.distinct, { of, values: [value] }];
  else if (seen.values.includes(value)) return;
  else if (seen.values.length < DISTINCT_MAX) seen.values.push(value);
  else input.dropped('distinct');
}

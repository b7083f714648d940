// `wait`: the flow goes on after a while, at a time of day, or at an instant.
//
// Invariants:
//   W1. A wait of D that begins at t is over at t + D, exactly.
//   W2. A time of day is the next moment at or after t, on one of the days: where the clock is put forward over it, the moment of
//       the change; where it comes twice, the first.
//   W3. An instant that is past, or t, is no wait; one that cannot be read skips the step, and is counted.

import Type, { type Static } from 'typebox';
import { isoWeekday, localFields } from '../../../lib/calendar.ts';
import { momentOf } from '../../expressions/functions.ts';
import type { Expression } from '../../expressions/scope.ts';
import { offsetChange, parseTimeOfDay } from '../../gates/quiet-hours.ts';
import { duration, fields, type Loose } from '../../language/parts.ts';
import { parseZone, UTC, ZONE_HINT, type Zone } from '../../language/zone.ts';
import { msOf } from '../../patterns/definition.ts';
import { defineStep, type Move, type StepTools, type Turn } from '../step.ts';

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
const DAY_MS = 86_400_000;
/** No expression looks like it. */
const LOOKS_LIKE_TIME = /^\d+:\d+(:\d+)?$/;

const Wait = Type.Union(
  [
    duration('Goes on after this long.'),
    fields({
      for: Type.Optional(duration('Goes on after this long.')),
      until: Type.Optional(
        Type.String({
          minLength: 1,
          description:
            'A time of day such as "09:00", or an expression that gives an instant, such as profile.trialEndsAt.',
        }),
      ),
      timezone: Type.Optional(
        Type.String({
          minLength: 1,
          description:
            'Of a time of day: profile.timezone (default), another attribute, or a zone such as Europe/Berlin.',
        }),
      ),
      days: Type.Optional(
        Type.Array(Type.Enum([...DAYS]), {
          minItems: 1,
          maxItems: 7,
          description: 'Of a time of day: only on these days.',
        }),
      ),
    }),
  ],
  { description: 'Goes on later: after a duration, or { until } a time of day or an instant.' },
);

type WaitBody = Loose<Static<typeof Wait>>;

export const waitStep = defineStep<WaitBody>({
  kind: 'wait',
  shape: Wait,
  compile(body, tools) {
    const until = compileUntil(body, tools);
    return {
      longestMs: until.longestMs,
      enter(turn): Move {
        const time = until.time(turn);
        return time === null || time <= turn.at ? { to: tools.next } : { until: time, reason: null };
      },
      onDeadline: () => ({ to: tools.next }),
    };
  },
  words(body) {
    if (typeof body === 'string') return `wait ${body}`;
    if (body.until === undefined) return `wait ${body.for ?? ''}`;
    const days = body.days === undefined ? '' : ` on ${body.days.join(', ')}`;
    return `wait until ${body.until}${days}`;
  },
});

interface Until {
  /** When the wait is over, ms; null: it cannot be told, which was reported. */
  time(turn: Turn): number | null;
  /** How long it is, ms, where that is written down; else 0. */
  readonly longestMs: number;
}

function compileUntil(body: WaitBody, tools: StepTools): Until {
  if (typeof body === 'string') return after(msOf(body));
  const { builder, path } = tools;
  // What is there and has a mistake was reported with its shape.
  const isWritten = (field: string): boolean => builder.document.node([...path, field]) !== undefined;
  if (isWritten('for') === isWritten('until')) {
    builder.error(path, '"wait" has either "for" or "until"', 'such as wait: 12h, or wait: { until: "09:00" }');
    return after(0);
  }
  const time = body.until === undefined ? null : parseTimeOfDay(body.until);
  if (time === null && LOOKS_LIKE_TIME.test(body.until ?? '')) {
    builder.error([...path, 'until'], `"${body.until}" is no time of day`, 'two digits each, such as "09:00"');
    return after(0);
  }
  if (time === null) {
    for (const field of ['timezone', 'days'] as const) {
      if (body[field] === undefined) continue;
      builder.error([...path, field], `"${field}" is of a time of day`, 'such as until: "09:00"');
    }
    return body.until === undefined ? after(msOf(body.for)) : instant(body.until, tools);
  }
  const zone = parseZone(body.timezone ?? 'profile.timezone');
  if (zone === null) {
    builder.error([...path, 'timezone'], `"${body.timezone}" is neither a time zone nor an attribute`, ZONE_HINT);
  } else if (zone.readsProfile) builder.readsProfile();
  const days = new Set((body.days ?? DAYS).map((day) => DAYS.indexOf(day ?? 'mon') + 1));
  return timeOfDay(time % DAY_MS, days, zone ?? UTC);
}

function after(ms: number): Until {
  return { time: ({ at }) => at + ms, longestMs: ms };
}

function timeOfDay(timeMs: number, days: ReadonlySet<number>, zone: Zone): Until {
  return { time: ({ at, scope }) => nextTimeOfDay(at, timeMs, days, zone.of(scope.profile)), longestMs: 0 };
}

/** The first moment at or after `at` at which the clock of the zone shows, or is put forward over, `timeMs` since midnight. */
export function nextTimeOfDay(at: number, timeMs: number, days: ReadonlySet<number>, zone: string): number {
  const today = Math.floor(localFields(new Date(at), zone).getTime() / DAY_MS);
  for (let day = today; ; day++) {
    if (!days.has(isoWeekday(new Date(day * DAY_MS)))) continue;
    const moment = firstMoment(day * DAY_MS + timeMs, zone);
    if (moment >= at) return moment;
  }
}

/** The first moment that the zone's clock shows `localMs` or later of that day (W2). */
function firstMoment(localMs: number, zone: string): number {
  // No zone is further from UTC than this; its offset changes at most once in between.
  const from = localMs - 15 * 3_600_000;
  const change = offsetChange(from, localMs + 15 * 3_600_000, zone);
  const before = localMs - offsetOf(from, zone);
  if (change === null || before < change) return before;
  return Math.max(change, localMs - offsetOf(change, zone));
}

function offsetOf(at: number, zone: string): number {
  return localFields(new Date(at), zone).getTime() - at;
}

function instant(source: string, tools: StepTools): Until {
  const { builder, path, names } = tools;
  const expression = builder.value([...path, 'until'], source, { ...names, is: 'moment' });
  if (expression === null) return after(0);
  return {
    time(turn) {
      const time = instantOf(expression, turn);
      if (time === null) turn.note('skipped', 'error');
      return time;
    },
    longestMs: 0,
  };
}

function instantOf(expression: Expression, { scope, failed }: Turn): number | null {
  try {
    const value = expression.evaluate(scope);
    const moment = typeof value === 'string' ? momentOf(value) : value;
    if (moment instanceof Date) return moment.getTime();
    failed(expression.source, new TypeError('the instant must be a time, or text such as 2026-01-01T10:00:00Z'));
  } catch (error) {
    failed(expression.source, error);
  }
  return null;
}

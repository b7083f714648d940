// Quiet hours: whether a moment falls into them, and when they end, in the person's time zone.
//
// Invariants:
//   H1. A moment is quiet when its local time of day is in [from, to), over midnight where from is later than to.
//   H2. They end at the first moment that is not quiet. Where the clock is put forward over `to`, that is the moment of
//       the change; where it is put back, hours that come twice are quiet twice.

import Type from 'typebox';
import { localFields } from '../../lib/calendar.ts';
import type { JsonObject } from '../../schemas/json.ts';
import type { Scope } from '../expressions/scope.ts';
import { fields } from '../language/parts.ts';
import { parseZone, UTC, ZONE_HINT, type Zone } from '../language/zone.ts';
import { defineGate, type GateTools } from './gate.ts';

const clockTime = (description: string) =>
  Type.String({
    pattern: '^([01]\\d|2[0-3]):[0-5]\\d$|^24:00$',
    description: `${description} Such as "21:00".`,
    kind: 'time-of-day',
  });

const Quiet = fields(
  {
    from: clockTime('When they begin.'),
    to: clockTime('When they end.'),
    timezone: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'profile.timezone (default), another attribute, or a zone such as Europe/Berlin.',
      }),
    ),
  },
  { description: 'Hours of the day in which nothing is sent: the decision waits for their end, and is made anew.' },
);

export interface QuietHours {
  /** Ms since the local midnight. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly zone: Zone;
}

export const quietHoursGate = defineGate({
  name: 'quiet-hours',
  reason: 'quiet-hours',
  fields: {
    quietHours: Type.Optional(Quiet),
    quiet: Type.Optional(
      Type.Enum(['tcpa-us'], {
        description:
          'Quiet hours of a law, in place of quietHours. tcpa-us: messages from 8 to 21 h at the recipient (profile.timezone), to 20 h ' +
          'in the states that say so (profile.state).',
      }),
    ),
  },
  compile({ quietHours, quiet: law }, tools) {
    if (quietHours !== undefined && law !== undefined) {
      tools.error(['quiet'], '"quiet" stands in the place of "quietHours"', 'leave one of them out');
    }
    const quiet = quietHours === undefined ? null : compileQuietHours(quietHours, tools);
    if ((quiet === null && law === undefined) || !tools.sends) return null;
    if (quiet === null) tools.readsProfile();
    const quietAt = (at: number, { profile }: Scope) =>
      quiet === null ? tcpaUntil(at, profile) : quietUntil(quiet, at, quiet.zone.of(profile));
    return {
      quietUntil: quietAt,
      // A flow that sends nothing at the match is held where it sends, a digest when it goes out.
      isAsked: ({ routes }) => routes.length > 0,
      refusal({ match, scope }) {
        const until = quietAt(match.at, scope);
        return until === null ? null : { until };
      },
      words({ match, scope }, refused) {
        const until = refused ? quietAt(match.at, scope) : null;
        return until === null ? null : `quiet until ${new Date(until).toISOString()}`;
      },
    };
  },
});

const HOUR_MS = 3_600_000;
/** 47 CFR 64.1200(c)(1): calls and texts that solicit come between 8 and 21 h, local time at the called party's location. */
const TCPA = { fromMs: 21 * HOUR_MS, toMs: 8 * HOUR_MS } as const;
/**
 * States whose own law ends at 20 h, by their postal codes and names: Alabama, Florida, Louisiana, Maryland, Massachusetts, Oklahoma,
 * Washington, Wyoming. Laws change: a rule with `quietHours` of its own is stricter wherever that is wanted.
 */
const UNTIL_20 = new Set(
  ['AL', 'FL', 'LA', 'MD', 'MA', 'OK', 'WA', 'WY'].concat([
    'ALABAMA',
    'FLORIDA',
    'LOUISIANA',
    'MARYLAND',
    'MASSACHUSETTS',
    'OKLAHOMA',
    'WASHINGTON',
    'WYOMING',
  ]),
);
const AT_RECIPIENT = parseZone('profile.timezone')!;

function tcpaUntil(at: number, profile: JsonObject): number | null {
  const { state } = profile;
  const endsEarly = typeof state === 'string' && UNTIL_20.has(state.trim().toUpperCase());
  return quietUntil(endsEarly ? { ...TCPA, fromMs: 20 * HOUR_MS } : TCPA, at, AT_RECIPIENT.of(profile));
}

interface QuietBody {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly timezone?: string | undefined;
}

function compileQuietHours(body: QuietBody, tools: GateTools): QuietHours | null {
  const { from, to, timezone = 'profile.timezone' } = body;
  const fromMs = from === undefined ? null : parseTimeOfDay(from);
  const toMs = to === undefined ? null : parseTimeOfDay(to);
  const zone = parseZone(timezone);
  if (zone === null) {
    tools.error(['quietHours', 'timezone'], `"${timezone}" is neither a time zone nor an attribute`, ZONE_HINT);
  } else if (zone.readsProfile) tools.readsProfile();
  if (fromMs === null || toMs === null) return null;
  if (fromMs % DAY_MS === toMs % DAY_MS) {
    tools.error(
      ['quietHours'],
      'quiet hours must begin and end at different times of day',
      'enabled: false silences a rule',
    );
    return null;
  }
  return { fromMs: fromMs % DAY_MS, toMs: toMs % DAY_MS, zone: zone ?? UTC };
}

const DAY_MS = 86_400_000;
/** Zones change their offset on quarter hours (calendar.ts). */
const QUARTER_MS = 900_000;

/** Ms since midnight of `21:00` or `24:00`; null when it is no time of day. */
export function parseTimeOfDay(text: string): number | null {
  const [, hours, minutes] = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text) ?? [];
  if (hours === undefined) return text === '24:00' ? DAY_MS : null;
  return (Number(hours) * 60 + Number(minutes)) * 60_000;
}

/** When the quiet hours around `at` end, ms; null: `at` is not in them. */
export function quietUntil(quiet: Pick<QuietHours, 'fromMs' | 'toMs'>, at: number, zone: string): number | null {
  if (!isQuiet(quiet, timeOfDay(at, zone))) return null;
  let moment = at;
  for (;;) {
    const time = timeOfDay(moment, zone);
    if (!isQuiet(quiet, time)) return moment;
    const left = (quiet.toMs - time + DAY_MS) % DAY_MS;
    const end = moment + (left === 0 ? DAY_MS : left);
    // H2: what the clock says goes on evenly up to the next change of the offset only.
    moment = offsetChange(moment, end, zone) ?? end;
  }
}

function isQuiet({ fromMs, toMs }: Pick<QuietHours, 'fromMs' | 'toMs'>, time: number): boolean {
  return fromMs < toMs ? time >= fromMs && time < toMs : time >= fromMs || time < toMs;
}

function timeOfDay(at: number, zone: string): number {
  const local = localFields(new Date(at), zone).getTime() % DAY_MS;
  return local < 0 ? local + DAY_MS : local;
}

function offsetOf(at: number, zone: string): number {
  return localFields(new Date(at), zone).getTime() - at;
}

/** The first moment in (from, to], ms, with another offset than `from`; null: there is none. No zone changes twice a day. */
export function offsetChange(from: number, to: number, zone: string): number | null {
  const offset = offsetOf(from, zone);
  if (offsetOf(to, zone) === offset) return null;
  let before = Math.floor(from / QUARTER_MS);
  let after = Math.floor(to / QUARTER_MS);
  while (after - before > 1) {
    const middle = (before + after) >> 1;
    if (offsetOf(middle * QUARTER_MS, zone) === offset) before = middle;
    else after = middle;
  }
  return after * QUARTER_MS;
}

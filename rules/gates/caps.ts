// The file of caps: a list of `{ max, per, channel, category, timezone }`, counted for each entity over all rules (cap.ts).

import Type, { type Static } from 'typebox';
import { parseDuration } from '../../lib/duration.ts';
import { didYouMean } from '../../lib/suggest.ts';
import type { RuleBuilder } from '../expressions/rule-builder.ts';
import { fields } from '../language/parts.ts';
import { parseZone, UTC, ZONE_HINT, type Zone } from '../language/zone.ts';

/** At most `max` messages of a kind to each entity. */
export interface CompiledCap {
  readonly max: number;
  /** A sliding window (t - per, t] in ms, or the calendar day or week (from Monday) in `zone`. */
  readonly per: number | 'day' | 'week';
  /** Null: whatever is sent. */
  readonly channel: string | null;
  /** Null: every category, and none. */
  readonly category: string | null;
  readonly zone: Zone;
}

/** Above it a cap bounds nothing that a person would notice, and each decision is remembered. */
const CAP_MAX = 1_000;
const CAPS_MAX = 50;
/** What caps remember lasts as long as their longest window, for every entity. */
const PER_MAX_MS = 400 * 86_400_000;

const Cap = fields({
  max: Type.Integer({ minimum: 0, maximum: CAP_MAX, description: 'Messages allowed.' }),
  per: Type.String({
    pattern: '^day$|^week$|^(\\d+(\\.\\d+)?(ms|s|m|h|d|w))+$',
    examples: ['day', 'week', '7d'],
    description: 'A sliding window such as 7d, or the calendar day or week (from Monday) in the time zone.',
  }),
  channel: Type.Optional(Type.String({ minLength: 1, description: 'Messages on it; any (default): on all.' })),
  category: Type.Optional(
    Type.String({ minLength: 1, description: 'Messages of rules of this category; left out: of all.' }),
  ),
  timezone: Type.Optional(
    Type.String({
      minLength: 1,
      description: 'For day and week: profile.timezone (default), another attribute, or Europe/Berlin.',
    }),
  ),
});

export const CapsSchema = Type.Array(Cap, {
  maxItems: CAPS_MAX,
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'Tripline caps',
  description: 'At most so many messages to each entity, over all rules. All caps hold.',
});

export type CapsBody = ({ [Name in keyof Static<typeof Cap>]?: Static<typeof Cap>[Name] | undefined } | undefined)[];

/** Mistakes go to the builder. */
export function compileCaps(caps: CapsBody, channels: readonly string[], builder: RuleBuilder): CompiledCap[] {
  return caps.flatMap((cap, index) => {
    if (cap === undefined) return [];
    const { max = 0, per = '1d', channel = 'any', category = null, timezone = 'profile.timezone' } = cap;
    if (channel !== 'any' && !channels.includes(channel)) {
      const known = ['any', ...channels];
      builder.error(
        [index, 'channel'],
        `unknown channel "${channel}"`,
        didYouMean(channel, known, `known: ${known.join(', ')}`),
      );
    }
    const isCalendar = per === 'day' || per === 'week';
    const zone = parseZone(timezone);
    if (zone === null) {
      builder.error([index, 'timezone'], `"${timezone}" is neither a time zone nor an attribute`, ZONE_HINT);
    }
    const perMs = isCalendar ? null : parseDuration(per);
    if (perMs !== null && (perMs <= 0 || perMs > PER_MAX_MS)) {
      builder.error([index, 'per'], `"per" must be longer than nothing, and at most 400d`);
    }
    return [
      {
        max,
        per: isCalendar ? per : (perMs ?? 1),
        channel: channel === 'any' ? null : channel,
        category,
        zone: isCalendar ? (zone ?? UTC) : UTC,
      },
    ];
  });
}

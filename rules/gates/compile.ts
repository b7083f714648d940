// Compiles the gates of a rule that are not simple figures: audience, hold-out, exclusive group, quiet hours, review.

import type { Condition } from '../api.ts';
import type { Names } from '../expressions/compiler.ts';
import type { RuleBuilder } from '../expressions/rule-builder.ts';
import { parseZone, UTC, ZONE_HINT } from '../language/zone.ts';
import type { RuleBody } from '../project/rule-schema.ts';
import { type Holdout, parseShare } from './hold-out.ts';
import { parseTimeOfDay, type QuietHours } from './quiet-hours.ts';

export interface CompiledGates {
  readonly audience: Condition | null;
  readonly holdout: Holdout | null;
  readonly exclusive: string | null;
  readonly quietHours: QuietHours | null;
  readonly review: Condition | null;
}

const DAY_MS = 86_400_000;

/** `names`: what `if` may use, and so may `review`. */
export function compileGates(body: RuleBody, names: Names, builder: RuleBuilder): CompiledGates {
  const who: Names = {
    captures: [],
    insteadOfEvent: 'the audience says for whom the rule is, not what happened: use if',
    remoteScores: true,
  };
  return {
    audience: builder.condition(['audience'], body.audience, who),
    holdout: holdoutOf(body, builder),
    exclusive: body.exclusive ?? null,
    quietHours: quietHoursOf(body, builder),
    review: builder.condition(['review'], body.review, names),
  };
}

function holdoutOf({ id = '', holdout }: RuleBody, builder: RuleBuilder): Holdout | null {
  if (holdout === undefined) return null;
  const isText = typeof holdout === 'string';
  const text = isText ? holdout : holdout.share;
  // What is missing, or has another form, was reported.
  if (text === undefined) return null;
  const share = parseShare(text);
  if (share !== null) return { share, group: isText ? `rule ${id}` : `group ${holdout.group ?? ''}` };
  builder.error(isText ? ['holdout'] : ['holdout', 'share'], `a share is at most 100%, not ${text}`);
  return null;
}

function quietHoursOf({ quietHours }: RuleBody, builder: RuleBuilder): QuietHours | null {
  if (quietHours === undefined) return null;
  const { from, to, timezone = 'profile.timezone' } = quietHours;
  const fromMs = from === undefined ? null : parseTimeOfDay(from);
  const toMs = to === undefined ? null : parseTimeOfDay(to);
  const zone = parseZone(timezone);
  if (zone === null) {
    builder.error(['quietHours', 'timezone'], `"${timezone}" is neither a time zone nor an attribute`, ZONE_HINT);
  } else if (zone.readsProfile) builder.readsProfile();
  if (fromMs === null || toMs === null) return null;
  if (fromMs % DAY_MS === toMs % DAY_MS) {
    builder.error(
      ['quietHours'],
      'quiet hours must begin and end at different times of day',
      'enabled: false silences a rule',
    );
    return null;
  }
  return { fromMs: fromMs % DAY_MS, toMs: toMs % DAY_MS, zone: zone ?? UTC };
}

// Caps: at most so many fired decisions for an entity, over all rules, by channel and category.
//
// Owns: what is remembered for them, and whether one more fits. Does not own: their order among the gates (gates.ts).
//
// Invariants:
//   C1. A cap holds over event time in whichever order decisions are made (I4): one that comes late is held against the
//       later-stamped ones too, and one so late that what it must be held against has been forgotten is refused.
//   C2. What is remembered is bounded: by the longest cap, and FIRED_MAX.

import { localFields } from '../../lib/calendar.ts';
import type { CompiledRule } from '../../rules/api.ts';
import type { CompiledCap } from '../../rules/project/surroundings.ts';
import type { JsonObject } from '../../schemas/json.ts';
import type { EntityContext, FiredMessage } from '../../state/entity/context.ts';
import { contextOf, type EntityDocument } from '../../state/entity/document.ts';
import { calendarNumber, fitsSlidingWindow } from './windows.ts';

/** A cap is at most 1,000; beyond this the oldest goes, and what is older is then refused (C1). */
const FIRED_MAX = 4_000;
const DAY_MS = 86_400_000;
/** A local day has 25 hours at most, and a zone may change; a week likewise. */
const CALENDAR_MS = { day: 2 * DAY_MS, week: 9 * DAY_MS } as const;

/** Whether a fired decision of `rule` at `at` fits all caps. */
export function fitsCaps(
  caps: readonly CompiledCap[],
  rule: CompiledRule,
  channels: readonly string[],
  at: number,
  profile: () => JsonObject,
  context: EntityContext | null,
): boolean {
  return caps.every((cap) => {
    if (!concerns(cap, rule.category, channels)) return true;
    if (context === null) return true;
    const { per, max } = cap;
    const reach = per === 'day' || per === 'week' ? CALENDAR_MS[per] : per;
    if (context.forgotten >= 0 && at - reach < context.forgotten) return false;
    const times = context.fired
      .filter((fired) => concerns(cap, fired.category, fired.channels))
      .map((fired) => fired.at);
    if (typeof per === 'number') return fitsSlidingWindow(times, at, max, per);
    const zone = cap.zone.of(profile());
    const own = numberOf(at, zone, per);
    return times.filter((time) => numberOf(time, zone, per) === own).length < max;
  });
}

/** Notes a fired decision, as far as a cap may ask for it. */
export function rememberForCaps(
  document: EntityDocument,
  caps: readonly CompiledCap[],
  rule: CompiledRule,
  channels: readonly string[],
  at: number,
): void {
  if (!caps.some((cap) => concerns(cap, rule.category, channels))) return;
  const context = contextOf(document);
  const reach = Math.max(...caps.map(({ per }) => (typeof per === 'number' ? per : CALENDAR_MS[per])));
  // Twice as long as asked, for candidates that come out of order of time.
  const keepFrom = at - 2 * reach;
  const all: readonly FiredMessage[] = [...context.fired, { at, category: rule.category, channels }];
  const surplus = all.length - FIRED_MAX;
  context.fired = all.filter((fired, i) => {
    const keep = fired.at > keepFrom && i >= surplus;
    if (!keep) context.forgotten = Math.max(context.forgotten, fired.at);
    return keep;
  });
}

function concerns(cap: CompiledCap, category: string | null, channels: readonly string[]): boolean {
  if (cap.category !== null && cap.category !== category) return false;
  return cap.channel === null || channels.includes(cap.channel);
}

function numberOf(at: number, zone: string, unit: 'day' | 'week'): number {
  return calendarNumber(localFields(new Date(at), zone).getTime(), unit);
}

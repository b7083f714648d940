// Caps: at most so many messages to an entity, over all rules, by channel and category (caps.ts). Each message counts at its
// time on the channel that it goes to, one that takes over after a failure too; nothing is given back.
//
// Invariants:
//   C1. A cap holds over event time in whichever order messages are decided on (I4): one that comes late is held against the
//       later-stamped ones too, and one so late that what it must be held against has been forgotten is refused.
//   C2. What is remembered is bounded: by the longest cap, and FIRED_MAX.

import { localFields } from '../../lib/calendar.ts';
import * as binary from '../../schemas/binary.ts';
import type { StateCodec } from '../../schemas/section.ts';
import type { CompiledCap } from './caps.ts';
import { passedOverInWords } from './consent.ts';
import { defineChannelGate, type Sending } from './gate.ts';
import { calendarNumber, fitsSlidingWindow } from './windows.ts';

/** A cap is at most 1,000; beyond this the oldest goes, and what is older is then refused (C1). */
const FIRED_MAX = 4_000;
const DAY_MS = 86_400_000;
/** A local day has 25 hours at most, and a zone may change; a week likewise. */
const CALENDAR_MS = { day: 2 * DAY_MS, week: 9 * DAY_MS } as const;

/** A message, as far as caps look at it; those from before 0.2 are whole decisions with all their channels. */
export interface FiredMessage {
  readonly at: number;
  readonly category: string | null;
  readonly channels: readonly string[];
}

export interface CappedMessages {
  readonly fired: readonly FiredMessage[];
  /** Latest event time of what is no longer in `fired`; -1: none. */
  readonly forgotten: number;
}

const parts = binary.record<{
  fired: { at: number; category: string | null; channels: string[] }[];
  forgotten: number;
}>({
  fired: binary.list(
    binary.record({
      at: binary.integer,
      category: binary.nullable(binary.text),
      channels: binary.list(binary.text),
    }),
  ),
  forgotten: binary.integer,
});

export const cappedMessages: StateCodec<CappedMessages> = {
  kind: 'caps',
  version: 1,
  write: (value, out) => parts.write(value as Parameters<typeof parts.write>[0], out),
  read: parts.read,
};

export const capGate = defineChannelGate({
  name: 'cap',
  reason: 'cap',
  fields: {},
  isAsked: ({ around }) => around.caps.length > 0,
  allows: (sending, channel) => sending.around.caps.every((cap) => fits(cap, sending, channel)),
  sent: remember,
  words({ sections, routes }, refused) {
    const count = sections.open(cappedMessages)?.fired.length ?? 0;
    return refused ? `${count} messages that caps count were sent before` : passedOverInWords(routes, 'cap');
  },
});

function fits(cap: CompiledCap, sending: Sending, channel: string): boolean {
  const { rule, at, sections, scope, before } = sending;
  if (!concerns(cap, rule.category, [channel])) return true;
  const known = sections.open(cappedMessages);
  const now = before.filter((other) => concerns(cap, rule.category, [other])).map(() => at);
  if (known === undefined) return now.length < cap.max;
  const { per, max } = cap;
  const reach = per === 'day' || per === 'week' ? CALENDAR_MS[per] : per;
  if (known.forgotten >= 0 && at - reach < known.forgotten) return false;
  const past = known.fired.filter((fired) => concerns(cap, fired.category, fired.channels)).map((fired) => fired.at);
  const times = [...past, ...now];
  if (typeof per === 'number') return fitsSlidingWindow(times, at, max, per);
  const zone = cap.zone.of(scope.profile);
  const own = numberOf(at, zone, per);
  return times.filter((time) => numberOf(time, zone, per) === own).length < max;
}

function remember({ around, rule, at, sections }: Sending, channel: string): void {
  if (!around.caps.some((cap) => concerns(cap, rule.category, [channel]))) return;
  const reach = Math.max(...around.caps.map(({ per }) => (typeof per === 'number' ? per : CALENDAR_MS[per])));
  // Twice as long as asked, for candidates that come out of order of time.
  const keepFrom = at - 2 * reach;
  const before = sections.open(cappedMessages) ?? { fired: [], forgotten: -1 };
  const all = [...before.fired, { at, category: rule.category, channels: [channel] }];
  const surplus = all.length - FIRED_MAX;
  let { forgotten } = before;
  const fired = all.filter((one, i) => {
    const keep = one.at > keepFrom && i >= surplus;
    if (!keep) forgotten = Math.max(forgotten, one.at);
    return keep;
  });
  sections.put(cappedMessages, { fired, forgotten });
}

function concerns(cap: CompiledCap, category: string | null, channels: readonly string[]): boolean {
  if (cap.category !== null && cap.category !== category) return false;
  return cap.channel === null || channels.includes(cap.channel);
}

function numberOf(at: number, zone: string, unit: 'day' | 'week'): number {
  return calendarNumber(localFields(new Date(at), zone).getTime(), unit);
}

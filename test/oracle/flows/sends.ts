// Which channels of a send are allowed at a time, and the messages that go out.
//
// Invariants:
//   S1. Caps, consent and reach are asked in this order, each of every channel that is left; the one that takes out the last
//       channel is the reason.
//   S2. A cap holds for every window that would hold the message, also one that ends after it: messages come in any order.

import { durationMs } from '../rule.ts';
import { calendarNumber, zoneOf } from './local-time.ts';
import { type Moment, profileAt } from './scope.ts';
import type { Cap, FlowAction } from './story.ts';
import type { Flow, World } from './world.ts';

const ADDRESSES: Readonly<Record<string, readonly string[]>> = {
  email: ['email'],
  sms: ['phone'],
  push: ['pushToken', 'pushTokens'],
};
const ASK_NOBODY = ['webhook', 'slack', 'pagerduty'];

/** The channels left, or the reason why none is. */
export function allowed(
  world: World,
  moment: Moment,
  category: string | null,
  channels: readonly string[],
): { readonly channels: readonly string[]; readonly reason: string | null } {
  const { entity } = moment;
  const profile = profileAt(moment);
  const gates: readonly (readonly [string, (channel: string) => boolean])[] = [
    ['cap', (channel) => (world.story.caps ?? []).every((cap) => fits(cap, moment, category, channel))],
    [
      'consent',
      (channel) =>
        ASK_NOBODY.includes(channel) ||
        ['all', `channel ${channel}`, `category ${category}`].every((what) => entity.said.get(what) !== false),
    ],
    [
      'unreachable',
      (channel) =>
        world.story.asksReach !== true ||
        ADDRESSES[channel] === undefined ||
        ADDRESSES[channel].some((name) => profile[name] !== undefined && profile[name] !== null),
    ],
  ];
  let left = channels;
  for (const [reason, allows] of gates) {
    left = left.filter(allows);
    if (left.length === 0) return { channels: left, reason };
  }
  return { channels: left, reason: null };
}

function fits(cap: Cap, moment: Moment, category: string | null, channel: string): boolean {
  const concerns = (one: { readonly channel: string; readonly category: string | null }): boolean =>
    (cap.category === undefined || cap.category === one.category) &&
    (cap.channel === undefined || cap.channel === 'any' || cap.channel === one.channel);
  if (!concerns({ channel, category })) return true;
  const { at, entity } = moment;
  const times = [...entity.messages.filter(concerns).map((message) => message.at), at];
  const { per } = cap;
  if (per === 'day' || per === 'week') {
    const zone = zoneOf(cap.timezone, profileAt(moment));
    const own = calendarNumber(at, per, zone);
    return times.filter((time) => calendarNumber(time, per, zone) === own).length <= cap.max;
  }
  return fitsWindows(times, at, cap.max, durationMs(per));
}

/** Whether no window (end - per, end] that holds `at` holds more than `max` of `times`, of which `at` is one. */
export function fitsWindows(times: readonly number[], at: number, max: number, per: number): boolean {
  const isIn = (time: number, end: number): boolean => time > end - per && time <= end;
  return times.every((end) => !isIn(at, end) || times.filter((time) => isIn(time, end)).length <= max);
}

/** The message goes out: to the first of `channels`, with the others behind. */
export function send(
  world: World,
  { entity, at }: Moment,
  flow: Flow,
  message: Pick<FlowAction, 'template' | 'step' | 'attempt' | 'data'> & { readonly channels: readonly string[] },
): FlowAction {
  const { channels, ...rest } = message;
  const [channel, ...fallback] = channels;
  const { rule, label } = flow.version;
  const { step, attempt } = message;
  const action: FlowAction = {
    id: world.ids.action({ decision: flow.id, step, attempt, at, isMoved: flow.isMoved }),
    ...{ decision: flow.id, rule: rule.id, ruleVersion: label, entity: entity.id, at, variant: flow.variant },
    ...{ channel: channel!, fallback },
    ...rest,
  };
  entity.actions.push(action);
  entity.messages.push({ at, channel: channel!, category: rule.category ?? null });
  entity.routes.set(action.id, { action, flow });
  return action;
}

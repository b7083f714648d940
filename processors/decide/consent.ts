// Consent and reach: which of a rule's sends this person may be sent, and can be reached by.
//
// Invariants:
//   N1. Without a record, a category is allowed unless it is declared opt-in; `*` is a record about all of them, and
//       `channel:<name>` about one channel, whatever the category.
//   N2. Webhook, Slack and PagerDuty reach systems and colleagues: they ask no consent.
//   N3. A channel without a connector here counts as reachable: somebody else delivers it.

import type { CompiledRule, CompiledSend } from '../../rules/api.ts';
import type { Surroundings } from '../../rules/project/surroundings.ts';
import type { JsonObject } from '../../schemas/json.ts';
import type { Consent, EntityContext } from '../../state/entity/context.ts';

const WITHOUT_CONSENT: ReadonlySet<string> = new Set(['webhook', 'slack', 'pagerduty']);
/** Attributes of the profile by which a channel reaches a person: one of them is needed. */
const ADDRESSES: Readonly<Record<string, readonly string[]>> = {
  email: ['email'],
  sms: ['phone'],
  push: ['pushToken', 'pushTokens'],
};

/** What the person said about all categories. */
export const EVERY_CATEGORY = '*';

export function consentTo(category: string, context: EntityContext | null, around: Surroundings): boolean {
  const said = (name: string): Consent | undefined => context?.consent.find((one) => one.category === name);
  if (said(EVERY_CATEGORY)?.allowed === false) return false;
  return said(category)?.allowed ?? !around.optIn.has(category);
}

/** The sends that consent allows: those with a channel, their own or a fallback, that it allows. */
export function allowedSends(
  rule: CompiledRule,
  context: EntityContext | null,
  around: Surroundings,
): readonly CompiledSend[] {
  const category = rule.category ?? EVERY_CATEGORY;
  const allows = (channel: string): boolean => {
    if (WITHOUT_CONSENT.has(channel)) return true;
    const channelRecord = context?.consent.find((one) => one.category === `channel:${channel}`);
    return channelRecord?.allowed !== false && consentTo(category, context, around);
  };
  return rule.sends.filter((send) => channelsOf(send).some(allows));
}

/** The sends that have a way to the person. */
export function reachableSends(
  sends: readonly CompiledSend[],
  profile: () => JsonObject,
  { connected }: Surroundings,
): readonly CompiledSend[] {
  const reaches = (channel: string): boolean => {
    const addresses = connected.has(channel) ? ADDRESSES[channel] : undefined;
    return addresses?.some((name) => isSet(profile()[name])) ?? true;
  };
  return sends.filter((send) => channelsOf(send).some(reaches));
}

function channelsOf(send: CompiledSend): readonly string[] {
  return [send.channel, ...send.fallback];
}

function isSet(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== null && value !== '';
}

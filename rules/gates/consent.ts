// Consent: which channels this person may be sent to. It takes those out of the routes that it does not allow.
//
// Invariants:
//   N1. Without a record, a category is allowed unless it is declared opt-in; `*` is a record about all of them, and
//       `channel:<name>` about one channel, whatever the category.
//   N2. Channels that reach systems and colleagues ask no consent (ChannelTraits).

import Type from 'typebox';
import { type Candidate, defineGate, REFUSED } from './gate.ts';

/** What the person said about all categories. */
export const EVERY_CATEGORY = '*';

/** What the record about a channel is called. */
export function channelConsent(channel: string): string {
  return `channel:${channel}`;
}

export type Said = (about: string) => boolean | undefined;

export function consentTo(category: string, said: Said, optIn: ReadonlySet<string>): boolean {
  if (said(EVERY_CATEGORY) === false) return false;
  return said(category) ?? !optIn.has(category);
}

export interface ConsentTerms {
  /** Categories for which the person must have said yes. */
  readonly optIn: ReadonlySet<string>;
  /** Categories that no wish stops, such as security and receipts. */
  readonly always: ReadonlySet<string>;
}

/** Whether a message of this category may go to a person over a channel that asks consent: the same at the gate and at delivery. */
export function consentToSend(
  { category, channel }: { readonly category: string | null; readonly channel: string },
  said: Said,
  { optIn, always }: ConsentTerms,
): boolean {
  if (category !== null && always.has(category)) return true;
  return said(channelConsent(channel)) !== false && consentTo(category ?? EVERY_CATEGORY, said, optIn);
}

export const consentGate = defineGate({
  name: 'consent',
  reason: 'consent',
  fields: { category: Type.Optional(Type.String({ minLength: 1, description: 'Consent category.' })) },
  compile(_body, { sends }) {
    if (!sends) return null;
    return {
      refusal(candidate) {
        for (const route of candidate.routes) route.keep((channel) => allows(candidate, channel), 'consent');
        return candidate.routes.some(({ channels }) => channels.length > 0) ? null : REFUSED;
      },
      words({ rule, routes }, refused) {
        if (refused) return `no consent to ${rule.category ?? 'messages'} on ${allChannels(routes)}`;
        return passedOverInWords(routes, 'consent');
      },
    };
  },
});

function allows({ rule, around, said }: Candidate, channel: string): boolean {
  if (around.channels.get(channel)?.asksConsent === false) return true;
  return consentToSend({ category: rule.category, channel }, said, around);
}

export function allChannels(routes: Candidate['routes']): string {
  return [...new Set(routes.flatMap(({ send }) => send.channels))].join(', ');
}

/** Of a gate that passed: the channels that it took out; null: none. */
export function passedOverInWords(routes: Candidate['routes'], reason: string): string | null {
  const channels = routes.flatMap((route) => route.passedOver.filter((one) => one.reason === reason));
  return channels.length === 0 ? null : `passed over ${channels.map(({ channel }) => channel).join(', ')}`;
}

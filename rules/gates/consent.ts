// Consent: which channels this person may be sent to. It takes those out of the routes that it does not allow.
//
// Invariants:
//   N1. Without a record, a category is allowed unless it is declared opt-in; `*` is a record about all of them, and
//       `channel:<name>` about one channel, whatever the category.
//   N2. Channels that reach systems and colleagues ask no consent (ChannelTraits), and categories that are declared
//       `consent.always` ask nobody: receipts and security are the law's own duty of care.
//   N3. What is declared `consent.doubleOptIn` is allowed by a yes that was confirmed, and by nothing else: not said is no.

import Type from 'typebox';
import { channelConsent, EVERY_CATEGORY, isConfirmedYes, isYes, type Wish } from '../../schemas/consent-wish.ts';
import { type Candidate, defineChannelGate } from './gate.ts';

/** What the person said about `*`, a category, or `channel:<name>`, as far as it counts; undefined: nothing. */
export type Said = (about: string) => boolean | undefined;

/** `doubleOptIn`: categories and `channel:<name>` that must be confirmed (N3). */
export function saidOf(wishOf: (about: string) => Wish | undefined, doubleOptIn: ReadonlySet<string>): Said {
  return (about) => {
    const wish = wishOf(about);
    if (doubleOptIn.has(about)) return isConfirmedYes(wish, wishOf(EVERY_CATEGORY));
    return wish && isYes(wish);
  };
}

export function consentTo(category: string, said: Said, optIn: ReadonlySet<string>): boolean {
  if (said(EVERY_CATEGORY) === false) return false;
  return said(category) ?? !optIn.has(category);
}

export const consentGate = defineChannelGate({
  name: 'consent',
  reason: 'consent',
  fields: { category: Type.Optional(Type.String({ minLength: 1, description: 'Consent category.' })) },
  allows: ({ rule, around, said }, channel) =>
    around.channels.get(channel)?.asksConsent === false ||
    consentToSend({ category: rule.category, channel }, said, around),
  words({ rule, routes }, refused) {
    if (refused) return `no consent to ${rule.category ?? 'messages'} on ${allChannels(routes)}`;
    return passedOverInWords(routes, 'consent');
  },
});

export interface ConsentTerms {
  /** Categories for which the person must have said yes. */
  readonly optIn: ReadonlySet<string>;
  /** Categories, and channels as `channel:<name>`, for which a yes must be confirmed. */
  readonly doubleOptIn: ReadonlySet<string>;
  /** Categories that ask nobody. */
  readonly always: ReadonlySet<string>;
}

/** Whether a message of this category (null: of none) may go to a person over a channel: the same at the gate and at delivery. */
export function consentToSend(
  { category, channel }: { readonly category: string | null; readonly channel: string },
  said: Said,
  { optIn, always }: ConsentTerms,
): boolean {
  if (category !== null && always.has(category)) return true;
  return said(channelConsent(channel)) !== false && consentTo(category ?? EVERY_CATEGORY, said, optIn);
}

export function allChannels(routes: Candidate['routes']): string {
  return [...new Set(routes.flatMap(({ all }) => all))].join(', ');
}

/** Of a gate that passed: the channels that it took out; null: none. */
export function passedOverInWords(routes: Candidate['routes'], reason: string): string | null {
  const channels = routes.flatMap((route) => route.passedOver.filter((one) => one.reason === reason));
  return channels.length === 0 ? null : `passed over ${channels.map(({ channel }) => channel).join(', ')}`;
}

// That a person has to confirm what somebody said for them: an event of theirs, which a rule answers with a message, and the link in
// it, which is the answer.

import { Event } from './event.ts';
import { isJsonObject, type Json, type JsonObject } from './json.ts';

/** A rule matches it; while there is double opt-in no source may give an event of this name (processors/intake/intake.ts). */
export const CONSENT_REQUESTED = 'consent_requested';

/** What a link to confirm says: of whom, what, and when it was asked. */
export interface ConsentRequest {
  readonly userId: string;
  readonly categories: readonly string[];
  readonly channels: readonly string[];
  /** When somebody said yes, ms since 1970. */
  readonly at: number;
}

/** How requests are made: links that only we can make, and how long one is good. */
export interface ConfirmationLinks {
  urlOf(request: ConsentRequest): string;
  readonly withinMs: number;
}

/** `cause`: the record that said yes; `now`: when the event happens. */
export function consentRequested(
  request: ConsentRequest,
  { urlOf, withinMs }: ConfirmationLinks,
  { cause, source, now }: { readonly cause: string; readonly source: string | null; readonly now: number },
): Event {
  const { userId, categories, channels, at } = request;
  const properties: JsonObject = {
    categories: [...categories],
    channels: [...channels],
    source,
    requestedAt: new Date(at).toISOString(),
    confirmUrl: urlOf(request),
    confirmUntil: new Date(at + withinMs).toISOString(),
  };
  const messageId = `${cause}-${CONSENT_REQUESTED}`;
  return new Event({
    messageId,
    type: 'consent',
    event: CONSENT_REQUESTED,
    userId,
    anonymousId: null,
    time: now,
    properties,
  });
}

/** Null: it is none. */
export function consentRequestFrom(json: Json): ConsentRequest | null {
  if (!isJsonObject(json)) return null;
  const { userId, categories, channels, at } = json;
  const isOne = typeof userId === 'string' && isNames(categories) && isNames(channels) && typeof at === 'number';
  return isOne ? { userId, categories, channels, at } : null;
}

function isNames(value: Json | undefined): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

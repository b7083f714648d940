// Events that the engine makes itself: facts that come in beside events, and changes it finds. Their names begin with "$",
// which "*" does not mean and no rule can name.
//
// Invariants:
//   N1. The "$" is a mark that no source can give: intake refuses it in names of every format (processors/intake/fields.ts),
//       and so does the repartition topic's other side. What is known of people comes by topics of its own alone.

import { Event } from './event.ts';
import type { JsonObject } from './json.ts';

/** A record of the profiles topic, as an identify message that only patterns over the profile see. */
export const PROFILE_EVENT = '$profile';
export const CONSENT_EVENT = '$consent';
export const SCORE_EVENT = '$score';
/** Any event in an app or on a page, as far as its time is concerned. */
export const PRESENCE_EVENT = '$present';
/** What came of a message: `<channel>_<outcome>`, of a type that no source can give (known-facts.ts). */
export const DELIVERY_TYPE = 'delivery';
/** Something to be done to what is known of an entity. */
export const COMMAND_EVENT = '$command';

/** What a person said of something that waits for it: a command that goes in event-time order. */
export const ANSWER_EVENT = '$answer';

export function isInternal(name: string): boolean {
  return name.startsWith('$');
}

/** What patterns listen to for entry into, or exit from, a segment. */
export function segmentEventName(change: 'enters' | 'leaves', segment: string): string {
  return `$${change} ${segment}`;
}

/** The change of a segment at `at`; `cause`: the event that brought it, null where time alone did. */
export function segmentEvent(
  change: 'enters' | 'leaves',
  segment: string,
  at: number,
  entityId: string,
  cause: Event | null,
): Event {
  const properties: JsonObject = { segment, change };
  return new Event({
    messageId: cause?.messageId ?? '',
    type: 'segment',
    event: segmentEventName(change, segment),
    userId: cause?.userId ?? entityId,
    anonymousId: cause?.anonymousId ?? null,
    time: at,
    properties,
  });
}

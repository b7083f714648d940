// What a push message says, whatever service carries it.
//
// Owns: making it fit. Does not own: where title, text, link and picture come from (templates/short-message.ts), each service's
// JSON (fcm.ts, apns.ts, web.ts).
//
// Invariants:
//   C1. A payload is at most PAYLOAD_BYTES_MAX: of a longer one the text is cut, at a whole character, with an ellipsis; devices
//       show a few lines of it. Title, link and picture are never cut: where those alone do not fit, the message fails.

import { hash } from 'node:crypto';
import { RecordError } from '../../../lib/errors.ts';
import type { Action } from '../../../schemas/action.ts';
import type { ShortMessage } from '../templates/short-message.ts';

/** Of FCM, APNs and what every push service must take (RFC 8030, 7.2). */
export const PAYLOAD_BYTES_MAX = 4_096;

/** C1. `payloadOf` gives what is sent for a content. Throws RecordError TRG_RECORD_TOO_LARGE. */
export function fittingPayload(
  content: ShortMessage,
  bytesMax: number,
  payloadOf: (content: ShortMessage) => object,
): string {
  const whole = JSON.stringify(payloadOf(content));
  if (Buffer.byteLength(whole) <= bytesMax) return whole;
  const characters = [...content.body];
  const cutTo = (length: number): string =>
    JSON.stringify(payloadOf({ ...content, body: `${characters.slice(0, length).join('').trimEnd()}…` }));
  let [fits, tooLong] = [-1, characters.length];
  while (tooLong - fits > 1) {
    const middle = (fits + tooLong) >> 1;
    if (Buffer.byteLength(cutTo(middle)) <= bytesMax) fits = middle;
    else tooLong = middle;
  }
  if (fits >= 0) return cutTo(fits);
  throw new RecordError(
    'TRG_RECORD_TOO_LARGE',
    `the push message has more than ${bytesMax} bytes even without its text: shorten title, url and image`,
  );
}

/**
 * What tells a message's repetitions, and later messages that replace it: `data.collapseKey`, else the action. URL-safe, at most 32
 * characters, as a topic of RFC 8030 must be.
 */
export function collapseKey({ id, data }: Pick<Action, 'id' | 'data'>): string {
  const key = data['collapseKey'];
  const text = typeof key === 'string' && key !== '' ? key : id;
  return /^[A-Za-z0-9_-]{1,32}$/.test(text) ? text : hash('sha256', text, 'base64url').slice(0, 32);
}

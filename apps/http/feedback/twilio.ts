// Twilio's callbacks: what became of a text message, and what people answer.
//
// Facts: X-Twilio-Signature is HMAC-SHA1, in base64, of the full URL followed by each form field's name and value in order of name
// (https://www.twilio.com/docs/usage/security); statuses and error codes: https://www.twilio.com/docs/messaging/guides/track-outbound-message-status.

import { createHmac, timingSafeEqual } from 'node:crypto';
import { addressKey } from '../../../schemas/address.ts';
import { type Feedback, NO_FEEDBACK } from '../../../schemas/feedback.ts';

export interface KeyedFeedback {
  /** The action's id, or an addressKey(). */
  readonly key: string;
  readonly feedback: Feedback;
}

type Form = Readonly<Record<string, string>>;

export function isTwilioSignature(authToken: string, url: string, form: Form, signature: string): boolean {
  const text = Object.keys(form)
    .sort()
    .reduce((all, name) => all + name + form[name], url);
  const expected = createHmac('sha1', authToken).update(text, 'utf8').digest();
  const given = Buffer.from(signature, 'base64');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** Numbers that never take a message again. */
const DEAD = new Set(['30005', '30006']);
const OPTED_OUT = '21610';
/** https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out, with the words that carriers added in 2025. */
const STOP = new Set(['STOP', 'STOPALL', 'UNSUBSCRIBE', 'CANCEL', 'END', 'QUIT', 'REVOKE', 'OPTOUT']);
const START = new Set(['START', 'UNSTOP', 'YES']);

/** What a status callback says; `action`: the id in its URL. */
export function statusFeedback(action: string, form: Form, at: number): readonly KeyedFeedback[] {
  const { MessageSid: sid = '', MessageStatus: status = '', ErrorCode: code = '', To: to = '' } = form;
  const address = to === '' ? null : ({ kind: 'phone', value: to } as const);
  const told = (feedback: Pick<Feedback, 'id' | 'outcome'> & Partial<Feedback>): KeyedFeedback => ({
    key: action,
    feedback: { ...NO_FEEDBACK, at, providerId: sid, address, ...feedback },
  });
  if (status === 'delivered' || status === 'read') {
    const outcome = status === 'read' ? 'read' : 'received';
    return [told({ id: `${sid}:${status}`, outcome })];
  }
  if (status !== 'failed' && status !== 'undelivered') return [];
  const reason = code === '' ? `Twilio ${status}` : `Twilio ${code}`;
  const failed = told({ id: `${sid}:failed`, outcome: 'failed', reason });
  if (!DEAD.has(code) && code !== OPTED_OUT) return [failed];
  const suppress = { reason: code === OPTED_OUT ? ('opt-out' as const) : ('dead' as const), soft: false };
  return [failed, told({ id: `${sid}:bounced`, outcome: 'bounced', reason, suppress })];
}

/** What a person answered. */
export function inboundFeedback(form: Form, at: number): KeyedFeedback {
  const { MessageSid: sid = '', From: from = '', Body: body = '', OptOutType: optOut = '' } = form;
  const address = { kind: 'phone', value: from } as const;
  const word = body
    .trim()
    .toUpperCase()
    .replaceAll(/[^A-Z]/g, '');
  const stops = optOut === 'STOP' || (optOut === '' && STOP.has(word));
  const starts = optOut === 'START' || (optOut === '' && START.has(word));
  const consent = stops || starts ? { allowed: starts, text: body.slice(0, 200), source: 'sms reply' } : null;
  return {
    key: addressKey(address),
    feedback: {
      ...NO_FEEDBACK,
      id: sid,
      outcome: 'replied',
      at,
      reason: stops ? 'STOP' : starts ? 'START' : null,
      providerId: sid,
      address,
      suppress: stops ? { reason: 'opt-out', soft: false } : null,
      lifts: starts,
      consent,
    },
  };
}

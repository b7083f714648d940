// SendGrid's event webhook.
//
// Facts: signed by ECDSA (P-256, SHA-256) over the header's timestamp and the raw body
// (https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features); sg_event_id is
// one for each event and repeats with a repeated delivery; sg_machine_open tells opens by Apple's proxy apart
// (…/tracking-events/event).

import { createPublicKey, createVerify } from 'node:crypto';
import { isbot } from 'isbot';
import type { DeliveryOutcome } from '../../../schemas/delivery.ts';
import { type Feedback, NO_FEEDBACK } from '../../../schemas/feedback.ts';
import { isJsonObject, type Json, type JsonObject } from '../../../schemas/json.ts';
import type { KeyedFeedback } from './twilio.ts';

/** `publicKey`: as SendGrid shows it, base64 of the key in DER. */
export function isSendgridSignature(
  publicKey: string,
  timestamp: string,
  body: Uint8Array,
  signature: string,
): boolean {
  try {
    const key = createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' });
    return createVerify('sha256').update(timestamp).update(body).verify(key, signature, 'base64');
  } catch {
    // A signature that is none.
    return false;
  }
}

const OUTCOMES: Readonly<Record<string, DeliveryOutcome>> = {
  delivered: 'received',
  bounce: 'bounced',
  dropped: 'failed',
  spamreport: 'complained',
  open: 'opened',
  click: 'clicked',
};

/** Those of the events that are about a message of ours. */
export function sendgridFeedback(events: Json): readonly KeyedFeedback[] {
  if (!Array.isArray(events)) return [];
  return events.flatMap((event) => (isJsonObject(event) ? (oneOf(event) ?? []) : []));
}

function oneOf(event: JsonObject): KeyedFeedback | null {
  const text = (name: string): string => (typeof event[name] === 'string' ? (event[name] as string) : '');
  const outcome = OUTCOMES[text('event')];
  const key = text('action') || text('smtp-id').replace(/^<|@.*$/g, '');
  if (outcome === undefined || key === '') return null;
  const email = text('email');
  // "blocked" is about reputation or content, not about the mailbox.
  const isDead = outcome === 'bounced' && text('type') !== 'blocked' && isDeadStatus(text('status'));
  const suppress =
    outcome === 'complained'
      ? { reason: 'complaint' as const, soft: false }
      : isDead
        ? { reason: 'bounce' as const, soft: false }
        : null;
  const isMachine = event['sg_machine_open'] === true || (outcome === 'clicked' && isbot(text('useragent')));
  const feedback: Feedback = {
    ...NO_FEEDBACK,
    id: text('sg_event_id') || `${key}:${outcome}`,
    outcome,
    at: typeof event['timestamp'] === 'number' ? event['timestamp'] * 1_000 : 0,
    reason: (text('status') || text('reason')).slice(0, 200) || null,
    url: text('url') || null,
    isMachine,
    providerId: text('sg_message_id') || null,
    address: email === '' ? null : { kind: 'email', value: email },
    suppress,
  };
  return { key, feedback };
}

/** 5.1.x and 5.2.1 say that the mailbox is not there; 5.7.x and reputation say nothing of it. */
export function isDeadStatus(status: string): boolean {
  return /^5\.1\.\d+$|^5\.2\.1$|^5\.0\.0$/.test(status);
}

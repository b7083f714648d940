// Amazon SES over SNS: bounces, complaints, deliveries, opens and clicks.
//
// Facts: SNS signs fields in a fixed order, with SHA-1 (SignatureVersion 1) or SHA-256 (2), by a certificate at SigningCertURL, which
// must be on sns.<region>.amazonaws.com (https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html); a
// subscription is confirmed by asking SubscribeURL. SES' events: https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html.
// `sns-validator` reads certificates over HTTPS only from Amazon and keeps them for ever, so that no test could sign: hence our own.

import { createVerify, X509Certificate } from 'node:crypto';
import { isbot } from 'isbot';
import { type Feedback, NO_FEEDBACK } from '../../../schemas/feedback.ts';
import { isJsonObject, type Json, type JsonObject } from '../../../schemas/json.ts';
import { isDeadStatus } from './sendgrid.ts';
import type { KeyedFeedback } from './twilio.ts';

const SIGNED: Readonly<Record<string, readonly string[]>> = {
  Notification: ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'],
  SubscriptionConfirmation: ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'],
  UnsubscribeConfirmation: ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'],
};

const AMAZON = /^sns\.[a-z0-9-]{3,}\.amazonaws\.com(\.cn)?$/;

/** As the channel's sender sets it (connectors/channels/email/ses.ts). */
const TAG = 'tripline-action';

export type SnsMessage = Readonly<Record<string, string>>;

/** Null: it is no message of SNS. */
export function snsMessageOf(body: Json): SnsMessage | null {
  if (!isJsonObject(body)) return null;
  const fields = Object.entries(body).filter((field): field is [string, string] => typeof field[1] === 'string');
  const message = Object.fromEntries(fields);
  return SIGNED[message['Type'] ?? ''] === undefined ? null : message;
}

/** Whether a URL that the message names is Amazon's. */
export function isAmazons(url: string | undefined): boolean {
  const parsed = URL.parse(url ?? '');
  return parsed !== null && parsed.protocol === 'https:' && AMAZON.test(parsed.hostname);
}

/** `certificate`: PEM, from the message's SigningCertURL. */
export function isSnsSignature(message: SnsMessage, certificate: string): boolean {
  const text = SIGNED[message['Type']!]!.flatMap((name) =>
    message[name] === undefined ? [] : [name, message[name]!],
  ).join('\n');
  const algorithm = message['SignatureVersion'] === '2' ? 'sha256' : 'sha1';
  try {
    const { publicKey } = new X509Certificate(certificate);
    return createVerify(algorithm)
      .update(`${text}\n`, 'utf8')
      .verify(publicKey, message['Signature'] ?? '', 'base64');
  } catch {
    return false;
  }
}

/** What an event of SES says; empty: nothing about a message of ours. */
export function sesFeedback(message: SnsMessage): readonly KeyedFeedback[] {
  const event = parsed(message['Message']);
  if (event === null) return [];
  const kind = String(event['eventType'] ?? event['notificationType'] ?? '');
  const mail = objectIn(event, 'mail');
  const tags = objectIn(mail, 'tags');
  const named = tags[TAG];
  const [tag] = Array.isArray(named) ? named : [];
  const key = typeof tag === 'string' ? tag : actionInHeaders(mail);
  if (key === null) return [];
  const providerId = typeof mail['messageId'] === 'string' ? mail['messageId'] : null;
  const told = (
    feedback: Partial<Feedback> & Pick<Feedback, 'outcome'>,
    detail: JsonObject,
    place = 0,
  ): KeyedFeedback => ({
    key,
    feedback: {
      ...NO_FEEDBACK,
      id: `${message['MessageId']}:${place}`,
      at: Date.parse(String(detail['timestamp'] ?? message['Timestamp'])) || 0,
      providerId,
      ...feedback,
    },
  });
  const address = (recipient: Json): Feedback['address'] => {
    const value = isJsonObject(recipient) ? recipient['emailAddress'] : recipient;
    return typeof value === 'string' ? { kind: 'email', value } : null;
  };
  const listed = (of: JsonObject, name: string): readonly Json[] => (Array.isArray(of[name]) ? of[name] : []);
  switch (kind) {
    case 'Delivery': {
      const delivery = objectIn(event, 'delivery');
      return [told({ outcome: 'received' }, delivery)];
    }
    case 'Bounce': {
      const bounce = objectIn(event, 'bounce');
      const isSoft = bounce['bounceType'] !== 'Permanent';
      return listed(bounce, 'bouncedRecipients').map((recipient, place) => {
        const status = isJsonObject(recipient) ? String(recipient['status'] ?? '') : '';
        // SES often leaves the status out: its own type then says it.
        const isDead = !isSoft && (status === '' || isDeadStatus(status));
        const suppress = isDead ? { reason: 'bounce' as const, soft: false } : null;
        const reason = `${bounce['bounceType']}/${bounce['bounceSubType']} ${status}`.trim();
        return told({ outcome: 'bounced', reason, address: address(recipient), suppress }, bounce, place);
      });
    }
    case 'Complaint': {
      const complaint = objectIn(event, 'complaint');
      const suppress = { reason: 'complaint' as const, soft: false };
      return listed(complaint, 'complainedRecipients').map((recipient, place) =>
        told({ outcome: 'complained', address: address(recipient), suppress }, complaint, place),
      );
    }
    case 'Reject':
      return [told({ outcome: 'failed', reason: String(objectIn(event, 'reject')['reason'] ?? 'rejected') }, {})];
    case 'Open':
    case 'Click': {
      const detail = objectIn(event, kind.toLowerCase());
      const url = typeof detail['link'] === 'string' ? detail['link'] : null;
      const isMachine = isbot(String(detail['userAgent'] ?? ''));
      return [told({ outcome: kind === 'Open' ? 'opened' : 'clicked', url, isMachine }, detail)];
    }
    default:
      return [];
  }
}

/** Our Message-ID is the action's id at the sender's host; SES keeps it among the original headers. */
function actionInHeaders(mail: JsonObject): string | null {
  const headers = Array.isArray(mail['headers']) ? mail['headers'] : [];
  for (const header of headers) {
    if (!isJsonObject(header) || String(header['name']).toLowerCase() !== 'message-id') continue;
    const found = /^<?([0-9a-f]{32})@/.exec(String(header['value']));
    if (found !== null) return found[1]!;
  }
  return null;
}

function objectIn(of: JsonObject, name: string): JsonObject {
  const value = of[name];
  return value !== undefined && isJsonObject(value) ? value : {};
}

function parsed(text: string | undefined): JsonObject | null {
  try {
    const json = JSON.parse(text ?? '') as Json;
    return isJsonObject(json) ? json : null;
  } catch {
    return null;
  }
}

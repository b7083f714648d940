// Twilio's Messages API on this machine, for trying rules that send text messages: channels.sms.url is its address.
//
// Owns: what Twilio documents of creating a message (https://www.twilio.com/docs/messaging/api/message-resource): log-in, fields,
// errors by code, its magic numbers (https://www.twilio.com/docs/iam/test-credentials), and signed status callbacks.
// Does not own: sending anything to anybody.
//
// Invariants:
//   T1. As Twilio itself: two equal requests are two messages.

import { createHmac } from 'node:crypto';
import { type HttpProvider, type ProviderAnswer, type ProviderRequest, startHttpProvider } from './http-provider.ts';

export interface TwilioMessage {
  readonly sid: string;
  readonly to: string;
  /** A number, or the sid of a messaging service. */
  readonly from: string;
  readonly body: string;
  readonly statusCallback: string | null;
}

export interface Twilio extends HttpProvider {
  readonly messages: readonly TwilioMessage[];
  /** What sending to a number ends with, beside Twilio's magic numbers: a code of its error dictionary. */
  readonly codes: Map<string, number>;
  /** Tells the message's StatusCallback of it, signed; returns the status of the answer. Throws where it has none. */
  report(sid: string, status: string, fields?: Readonly<Record<string, string>>): Promise<number>;
}

export interface TwilioOptions {
  readonly accountSid?: string;
  readonly authToken?: string;
  readonly port?: number;
}

const MAGIC: readonly (readonly [to: string, code: number])[] = [
  ['+15005550001', 21211],
  ['+15005550002', 21612],
  ['+15005550003', 21408],
  ['+15005550004', 21610],
  ['+15005550009', 21614],
];
const BODY_MAX = 1_600;

export async function startTwilio(options: TwilioOptions = {}): Promise<Twilio> {
  const { accountSid = 'AC00000000000000000000000000000000', authToken = 'test-token', port = 0 } = options;
  const messages: TwilioMessage[] = [];
  const codes = new Map(MAGIC);
  const authorization = `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString('base64')}`;

  const handle = ({ method, path, headers, body }: ProviderRequest): ProviderAnswer => {
    if (headers.authorization !== authorization) return refusal(401, 20003, 'Authenticate');
    if (method !== 'POST' || path !== `/2010-04-01/Accounts/${accountSid}/Messages.json`) {
      return refusal(404, 20404, 'The requested resource was not found');
    }
    const form = new URLSearchParams(body);
    const field = (name: string): string => form.get(name) ?? '';
    const to = field('To');
    const from = field('From') || field('MessagingServiceSid');
    if (to === '') return refusal(400, 21604, "A 'To' phone number is required.");
    if (from === '') return refusal(400, 21603, "A 'From' phone number is required.");
    if (field('Body') === '') return refusal(400, 21602, 'Message body is required.');
    if (field('Body').length > BODY_MAX) return refusal(400, 21617, 'The message body exceeds 1600 characters.');
    const code = codes.get(to) ?? (/^\+[1-9]\d{6,14}$/.test(to) ? null : 21211);
    if (code !== null) return refusal(code === 20429 ? 429 : 400, code, `refused: ${to}`);
    const sid = `SM${String(messages.length + 1).padStart(32, '0')}`;
    messages.push({ sid, to, from, body: field('Body'), statusCallback: form.get('StatusCallback') });
    return { status: 201, body: { sid, status: 'queued', to, error_code: null, num_segments: '1' } };
  };

  const provider = await startHttpProvider(handle, port);
  return {
    ...provider,
    messages,
    codes,
    async report(sid, status, fields = {}) {
      const { to, from, statusCallback } = messages.find((message) => message.sid === sid)!;
      if (statusCallback === null) throw new Error('the message has no StatusCallback');
      const form = { AccountSid: accountSid, MessageSid: sid, MessageStatus: status, To: to, From: from, ...fields };
      const headers = { 'x-twilio-signature': signatureOf(statusCallback, form, authToken) };
      const answer = await fetch(statusCallback, { method: 'POST', headers, body: new URLSearchParams(form) });
      return answer.status;
    },
  };
}

/** https://www.twilio.com/docs/usage/security: HMAC-SHA1 over the URL and the fields in the order of their names. */
function signatureOf(url: string, form: Readonly<Record<string, string>>, authToken: string): string {
  const fields = Object.keys(form).sort();
  const signed = url + fields.map((name) => name + form[name]).join('');
  return createHmac('sha1', authToken).update(signed).digest('base64');
}

function refusal(status: number, code: number, message: string): ProviderAnswer {
  return { status, body: { code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status } };
}

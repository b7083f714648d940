// Whether a webhook comes from whom it says: the signature schemes of providers.
//
// Facts: Standard Webhooks (github.com/standard-webhooks), Stripe (docs.stripe.com/webhooks#verify-manually), GitHub
// ("Validating webhook deliveries"), Shopify ("Deliver webhooks through HTTPS").
//
// Invariants:
//   S1. A body counts only with a signature over its very bytes; all are compared in constant time.
//   S2. Where a scheme signs the time of sending, one that is further away than TOLERANCE_MS is refused: what somebody
//       else recorded cannot be sent again later.

import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** As the makers of Standard Webhooks and Stripe recommend. */
const TOLERANCE_MS = 300_000;

export interface Signed {
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Wall time, ms. */
  readonly now: number;
  readonly secret: string;
}

export const SCHEMES = {
  'standard-webhooks': standardWebhooks,
  stripe,
  github,
  shopify,
} as const;

export type Scheme = keyof typeof SCHEMES;

/** Null: it is genuine; otherwise why not, in words. */
function standardWebhooks({ headers, body, now, secret }: Signed): string | null {
  const id = headerOf(headers, 'webhook-id');
  const time = headerOf(headers, 'webhook-timestamp');
  const signatures = headerOf(headers, 'webhook-signature').split(' ');
  if (!isRecent(time, now)) return TOO_OLD;
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const expected = createHmac('sha256', key).update(`${id}.${time}.`).update(body).digest();
  const given = signatures.flatMap((text) => (text.startsWith('v1,') ? [Buffer.from(text.slice(3), 'base64')] : []));
  return isAnyOf(given, expected) ? null : WRONG;
}

function stripe({ headers, body, now, secret }: Signed): string | null {
  const parts = headerOf(headers, 'stripe-signature')
    .split(',')
    .map((part) => part.trim().split('=', 2));
  const time = parts.find(([name]) => name === 't')?.[1] ?? '';
  if (!isRecent(time, now)) return TOO_OLD;
  const expected = createHmac('sha256', secret).update(`${time}.`).update(body).digest();
  const given = parts.flatMap(([name, hex = '']) => (name === 'v1' ? [Buffer.from(hex, 'hex')] : []));
  return isAnyOf(given, expected) ? null : WRONG;
}

function github({ headers, body, secret }: Signed): string | null {
  const [, hex = ''] = /^sha256=([0-9a-f]{64})$/.exec(headerOf(headers, 'x-hub-signature-256')) ?? [];
  return isAnyOf([Buffer.from(hex, 'hex')], createHmac('sha256', secret).update(body).digest()) ? null : WRONG;
}

function shopify({ headers, body, secret }: Signed): string | null {
  const given = Buffer.from(headerOf(headers, 'x-shopify-hmac-sha256'), 'base64');
  return isAnyOf([given], createHmac('sha256', secret).update(body).digest()) ? null : WRONG;
}

const WRONG = 'the signature is missing or wrong';
const TOO_OLD = 'the time of sending is missing, or more than 5 minutes away';

/** `time`: s since 1970. */
function isRecent(time: string, now: number): boolean {
  return /^\d{1,12}$/.test(time) && Math.abs(now - Number(time) * 1_000) <= TOLERANCE_MS;
}

function isAnyOf(given: readonly Buffer[], expected: Buffer): boolean {
  let found = false;
  for (const each of given) found = (each.length === expected.length && timingSafeEqual(each, expected)) || found;
  return found;
}

export function headerOf(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name.toLowerCase()];
  return typeof value === 'string' ? value : '';
}

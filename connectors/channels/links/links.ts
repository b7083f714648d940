// Signed links of messages: unsubscribing, preferences, confirming, opens and clicks, on `http.publicUrl`.
//
// Owns: what a link holds and whether it is ours. Does not own: what happens when it is followed (apps/http).
//
// Invariants:
//   L1. Nobody makes a link but who has the secret, and a link of one kind is none of another: a click leads where a message
//       said, and nowhere else.
//   L2. A link needs no memory: it says itself which message it is of, or what it confirms.

import { createHmac, timingSafeEqual } from 'node:crypto';
import { type ConsentRequest, consentRequestFrom } from '../../../schemas/consent-request.ts';
import { isJsonObject, type Json } from '../../../schemas/json.ts';
import { type MessageReference, referenceFrom } from '../../../schemas/message-reference.ts';

/** unsubscribe: of a message; preferences: of a person; open: the pixel; click: a redirect. */
export type LinkKind = 'u' | 'preferences' | 'o' | 'c';

export interface Link {
  readonly reference: MessageReference;
  /** Where a click leads; null of other links. */
  readonly url: string | null;
}

/** 128 bits: nobody guesses them, and links stay short. */
const SIGNATURE_BYTES = 16;
/** Longer than any link of ours: a path of more is not looked at. */
const TOKEN_MAX = 8_192;

export class Links {
  readonly #publicUrl: string;
  readonly #secret: string;

  /** `publicUrl`: without a slash at its end. */
  constructor(publicUrl: string, secret: string) {
    this.#publicUrl = publicUrl;
    this.#secret = secret;
  }

  urlOf(kind: LinkKind, reference: MessageReference, url: string | null = null): string {
    return this.#url(kind, url === null ? { r: reference } : { r: reference, u: url });
  }

  /** Where a person confirms what somebody asked for in their name. */
  confirmationUrl(request: ConsentRequest): string {
    return this.#url('confirm', request);
  }

  /** What the token of a link of this kind holds; null: it is none of ours. */
  read(kind: LinkKind, token: string): Link | null {
    const json = this.#content(kind, token);
    if (!isJsonObject(json)) return null;
    const reference = referenceFrom(json['r']);
    const url = json['u'];
    return reference === null ? null : { reference, url: typeof url === 'string' ? url : null };
  }

  /** What the token of a link to confirm holds; null: it is none of ours. */
  readConfirmation(token: string): ConsentRequest | null {
    return consentRequestFrom(this.#content('confirm', token));
  }

  #url(kind: LinkKind | 'confirm', content: object): string {
    const body = Buffer.from(JSON.stringify(content)).toString('base64url');
    return `${this.#publicUrl}/${kind}/${body}.${this.#signature(kind, body).toString('base64url')}`;
  }

  /** Null: it is not signed by us. */
  #content(kind: LinkKind | 'confirm', token: string): Json {
    const [body, signature, ...more] = token.length > TOKEN_MAX ? [] : token.split('.');
    if (body === undefined || signature === undefined || more.length > 0) return null;
    const given = Buffer.from(signature, 'base64url');
    if (given.length !== SIGNATURE_BYTES || !timingSafeEqual(given, this.#signature(kind, body))) return null;
    return JSON.parse(Buffer.from(body, 'base64url').toString('utf8')) as Json;
  }

  #signature(kind: LinkKind | 'confirm', body: string): Buffer {
    return createHmac('sha256', this.#secret).update(`${kind}\0${body}`).digest().subarray(0, SIGNATURE_BYTES);
  }
}

// The text message of an action: whom it goes to and what it says.
//
// Owns: the number, the text, its segments. Does not own: sending (sender.ts).
//
// Invariants:
//   M1. Whatever profile and data hold, the message goes to one number, in E.164.

import { type CountryCode, parsePhoneNumberFromString } from 'libphonenumber-js';
import { RecordError } from '../../../lib/errors.ts';
import type { Action } from '../../../schemas/action.ts';
import type { Rendering } from '../delivery/sender.ts';
import type { Templates } from '../templates/templates.ts';
import type { SmsOptions } from './options.ts';
import { segmentsOf } from './segments.ts';

/** What a person receives, as it is archived. */
export interface SmsContent {
  readonly to: string;
  readonly text: string;
  readonly segments: number;
  readonly encoding: 'GSM-7' | 'UCS-2';
}

export class SmsComposer {
  readonly #country: CountryCode | undefined;
  readonly #maxSegments: number;
  readonly #templates: Templates;

  constructor({ country, maxSegments }: SmsOptions, templates: Templates) {
    this.#country = country as CountryCode | undefined;
    this.#maxSegments = maxSegments;
    this.#templates = templates;
  }

  /** Throws RecordError TRG_TEMPLATE_FAILED. */
  compose(action: Action): Rendering<SmsContent> {
    const profile = action.context['profile'] as { phone?: unknown } | undefined;
    const to = phoneNumber(profile?.phone, this.#country);
    if (to === null) return { outcome: 'skipped', reason: 'no-address' };
    const text = this.#templates.render(action).body.trim();
    if (text === '') throw new RecordError('TRG_TEMPLATE_FAILED', `template ${action.template} gives no text`);
    const { count, encoding } = segmentsOf(text);
    if (count > this.#maxSegments) {
      const most = `channels.${action.channel}.maxSegments is ${this.#maxSegments}`;
      throw new RecordError('TRG_TEMPLATE_FAILED', `template ${action.template} gives ${count} segments, ${most}`);
    }
    const content = { to, text, segments: count, encoding };
    return { outcome: 'rendered', message: { address: { kind: 'phone', value: to }, content } };
  }
}

/**
 * In E.164; null: it is none. Whether a number of the right length is given out is for the provider to say, which knows it as
 * of today.
 */
export function phoneNumber(value: unknown, country?: CountryCode): string | null {
  if (typeof value !== 'string' && typeof value !== 'number') return null;
  const number = parsePhoneNumberFromString(String(value), {
    extract: false,
    ...(country && { defaultCountry: country }),
  });
  // A message cannot be sent to an extension.
  return number?.isPossible() && number.ext === undefined ? number.number : null;
}

// What a provider's callback, a link or a person's answer says of a message. Written to <application>-feedback as JSON, under the
// action's id, or under the address where nothing else is known; the part `feedback` makes records of it (connectors/feedback).

import { RecordError } from '../lib/errors.ts';
import type { Address } from './address.ts';
import { DELIVERY_OUTCOMES, type DeliveryOutcome } from './delivery.ts';
import { isJsonObject, type Json, type JsonObject } from './json.ts';
import { type MessageReference, referenceFrom } from './message-reference.ts';

export interface Feedback {
  /** Equal for what is told twice. */
  readonly id: string;
  readonly outcome: DeliveryOutcome;
  /** Wall time, ms since 1970. */
  readonly at: number;
  readonly reason: string | null;
  /** What was clicked. */
  readonly url: string | null;
  readonly isMachine: boolean;
  readonly providerId: string | null;
  /** Where the message went or came from, as the provider says; null: not told. */
  readonly address: Address | null;
  /** What the address turned out to be. */
  readonly suppress: { readonly reason: 'bounce' | 'complaint' | 'dead' | 'opt-out'; readonly soft: boolean } | null;
  /** The address is good again: its owner asked for messages. */
  readonly lifts: boolean;
  /** What the person said of messages on the channel, in words that are kept as the proof; null: nothing. */
  readonly consent: { readonly allowed: boolean; readonly text: string; readonly source: string } | null;
  /** Which message it is about; null: the one whose id is the record's key. */
  readonly reference: MessageReference | null;
}

export const NO_FEEDBACK: Omit<Feedback, 'id' | 'outcome' | 'at'> = {
  reason: null,
  url: null,
  isMachine: false,
  providerId: null,
  address: null,
  suppress: null,
  lifts: false,
  consent: null,
  reference: null,
};

/** Throws RecordError TRG_RECORD_INVALID. */
export function feedbackFrom(json: Json): Feedback {
  const isOne =
    isJsonObject(json) &&
    typeof json['id'] === 'string' &&
    typeof json['at'] === 'number' &&
    DELIVERY_OUTCOMES.some((outcome) => outcome === json['outcome']);
  if (!isOne) throw new RecordError('TRG_RECORD_INVALID', 'feedback has an id, an outcome and a time');
  return {
    ...NO_FEEDBACK,
    ...(json as unknown as Feedback),
    reference: referenceFrom((json as JsonObject)['reference']),
  };
}

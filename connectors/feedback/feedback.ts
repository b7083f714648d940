// Joins what is heard of a message with the message it is about, and makes records of it: the outcome, suppressions, consent.
//
// Owns: the join, and that each thing counts once. Does not own: who may tell (apps/http/feedback), what an outcome does to the
// entity (processors/evaluate).
//
// Invariants:
//   F1. What is told twice, or in whatever order, is one record (Feedback.id).
//   F2. Word that comes before the message is known waits for it, WAIT_MS at most, and is then a dead letter: nothing is lost.
//   F3. Bounded (I8): SEEN_MAX things of a message, WAITING_MAX that wait, each message KEEP_MS.

import { utf8Text } from '../../lib/bytes.ts';
import { RecordError } from '../../lib/errors.ts';
import { addressId, addressKey } from '../../schemas/address.ts';
import * as binary from '../../schemas/binary.ts';
import type { ConsentChange } from '../../schemas/consent-change.ts';
import type { Delivery } from '../../schemas/delivery.ts';
import { type Feedback, feedbackFrom } from '../../schemas/feedback.ts';
import type { Json, JsonObject } from '../../schemas/json.ts';
import { type MessageReference, referenceFrom } from '../../schemas/message-reference.ts';
import { suppressed } from '../../schemas/suppression.ts';
import type { Message, Processor, ProcessorContext, SourceRecord } from '../../state/processor.ts';
import type { DocumentSpec, DocumentStore } from '../../state/store/api.ts';

const DAY_MS = 86_400_000;
/** Bounces come within days, opens within weeks. */
const KEEP_MS = 30 * DAY_MS;
const WAIT_MS = DAY_MS;
const SEEN_MAX = 200;
const WAITING_MAX = 50;

export interface FeedbackDocument {
  /** Null: the message is not known yet. */
  reference: MessageReference | null;
  /** Ids of what has been told, the newest last. */
  seen: string[];
  waiting: Feedback[];
  /** Wall time at which it is forgotten. */
  until: number;
}

const parts = binary.record<{ reference: Json; seen: string[]; waiting: Json; until: number }>({
  reference: binary.json,
  seen: binary.list(binary.text),
  waiting: binary.json,
  until: binary.integer,
});

export const feedbackSpec: DocumentSpec<FeedbackDocument> = {
  encode: (doc, out) => parts.write(doc as never, out),
  decode: (input) => parts.read(input) as unknown as FeedbackDocument,
  dueAt: ({ until }) => until,
  dueBy: 'wall-time',
};

/** Children: `deliveries`, `suppressions`, `consent-changes`, `dead-letter`. */
export class JoinFeedback implements Processor<SourceRecord> {
  readonly #store: string;
  #context!: ProcessorContext;
  #documents!: DocumentStore<FeedbackDocument>;

  /** `store`: its spec is feedbackSpec. */
  constructor(store: string) {
    this.#store = store;
  }

  init(context: ProcessorContext): void {
    this.#context = context;
    this.#documents = context.store(this.#store);
  }

  process({ value: { record } }: Message<SourceRecord>): void {
    if (record.key === null || record.value === null) {
      throw new RecordError('TRG_RECORD_INVALID', 'the record has no key, or no value');
    }
    const key = utf8Text(record.key);
    const json = jsonOf(record.value);
    const doc = this.#documents.get(key) ?? { reference: null, seen: [], waiting: [], until: 0 };
    const now = this.#context.wallTime();
    const sent = referenceFrom((json as JsonObject)['sent']);
    if (sent !== null) {
      doc.reference = sent;
      doc.until = now + KEEP_MS;
      for (const waited of doc.waiting.splice(0)) this.#tell(doc, waited, sent);
    } else {
      const feedback = feedbackFrom(json);
      const reference = feedback.reference ?? doc.reference;
      if (reference !== null) {
        doc.until = Math.max(doc.until, now + KEEP_MS);
        this.#tell(doc, feedback, reference);
      } else {
        this.#aboutAddress(feedback, null);
        if (doc.waiting.length >= WAITING_MAX) throw tooMuch();
        if (!doc.waiting.some(({ id }) => id === feedback.id)) doc.waiting.push(feedback);
        doc.until = now + WAIT_MS;
      }
    }
    this.#documents.put(key, doc);
  }

  due(key: string): void {
    const doc = this.#documents.get(key);
    for (const { outcome } of doc?.waiting ?? []) this.#context.count('feedback-unknown', { outcome });
    this.#documents.delete(key);
  }

  #tell(doc: FeedbackDocument, feedback: Feedback, reference: MessageReference): void {
    if (doc.seen.includes(feedback.id)) {
      this.#context.count('feedback-repeat');
      return;
    }
    doc.seen = [...doc.seen, feedback.id].slice(-SEEN_MAX);
    const { entity, category: _, ...of } = reference;
    const { outcome, reason, url, isMachine, providerId, at } = feedback;
    const address = feedback.address === null ? reference.address : addressId(feedback.address);
    const delivery: Delivery = { ...of, entity, at, outcome, reason, attempts: 0, providerId, url, isMachine, address };
    this.#forward(entity.id, delivery, 'deliveries');
    this.#context.count('delivery', { channel: reference.channel, outcome });
    this.#aboutAddress(feedback, reference);
    const { consent } = feedback;
    // Only people say what they want.
    if (consent === null || entity.type !== 'user') return;
    const { text, source, allowed } = consent;
    const channels = { [reference.channel]: allowed };
    const timestamp = new Date(at).toISOString();
    // An answer comes from the address itself, so a yes needs no confirmation.
    const proof = allowed ? { requestedAt: timestamp } : {};
    const change: ConsentChange = { userId: entity.id, channels, timestamp, ...proof, source, text };
    this.#forward(entity.id, change, 'consent-changes');
  }

  /** What is said of an address holds at once, whether or not the message is known. */
  #aboutAddress({ address, suppress, lifts, at }: Feedback, reference: MessageReference | null): void {
    if (address === null) return;
    if (lifts) this.#forward(addressKey(address), null, 'suppressions');
    if (suppress === null || suppress.soft) return;
    const told = { reason: suppress.reason, at, source: 'feedback' };
    const entity = reference?.entity ?? NOBODY;
    this.#forward(addressKey(address), suppressed(address, told, entity, undefined), 'suppressions');
  }

  #forward(key: string, value: unknown, to: string): void {
    this.#context.forward({ key, value, timestamp: this.#context.wallTime(), headers: [] }, to);
  }
}

const NOBODY = { type: 'user', id: '' };

function jsonOf(value: Uint8Array): Json {
  try {
    return JSON.parse(utf8Text(value)) as Json;
  } catch {
    throw new RecordError('TRG_RECORD_UNREADABLE', 'the record is not JSON');
  }
}

function tooMuch(): RecordError {
  return new RecordError(
    'TRG_RECORD_INVALID',
    `more than ${WAITING_MAX} callbacks wait for a message that nobody knows`,
  );
}

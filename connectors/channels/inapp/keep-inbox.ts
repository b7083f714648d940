// Keeps the inboxes of its partition: messages come in, people do something with them, old ones go.
//
// Owns: what is forwarded to the children `deliveries` and `dead-letter`. Does not own: the document (inbox.ts).

import { bufferOrNull, utf8Text } from '../../../lib/bytes.ts';
import type { Delivery } from '../../../schemas/delivery.ts';
import { decodeInboxCommand } from '../../../schemas/inbox.ts';
import type { Message, Processor, ProcessorContext, SourceRecord } from '../../../state/processor.ts';
import type { DocumentStore } from '../../../state/store/api.ts';
import { applyCommand, emptyInbox, goodMessages, type Inbox } from './inbox.ts';

export class KeepInbox implements Processor<SourceRecord> {
  readonly #store: string;
  #context!: ProcessorContext;
  #inboxes!: DocumentStore<Inbox>;

  /** `store`: name of the state store, whose spec is inboxSpec. */
  constructor(store: string) {
    this.#store = store;
  }

  init(context: ProcessorContext): void {
    this.#context = context;
    this.#inboxes = context.store<Inbox>(this.#store);
  }

  /** Throws RecordError TRG_RECORD_UNREADABLE. */
  process({ value: { record } }: Message<SourceRecord>): void {
    const command = decodeInboxCommand(bufferOrNull(record.value) ?? new Uint8Array(0));
    const user = record.key === null ? '' : utf8Text(record.key);
    const now = this.#context.wallTime();
    const inbox = this.#inboxes.get(user) ?? emptyInbox();
    const reached = applyCommand(inbox, command, record.offset, now);
    this.#keep(user, inbox);
    if (reached === null || command.kind !== 'state') return;
    const { id, origin, content } = reached;
    const value: Delivery = {
      action: id,
      ...origin,
      entity: { type: 'user', id: user },
      channel: 'inapp',
      at: now,
      outcome: command.state,
      reason: null,
      attempts: 1,
      providerId: null,
      url: command.state === 'clicked' ? content.url : null,
      address: null,
      isMachine: false,
    };
    this.#context.forward({ key: user, value, timestamp: now, headers: [] }, 'deliveries');
    this.#context.count('delivery', { channel: 'inapp', outcome: command.state });
  }

  due(user: string): void {
    const inbox = this.#inboxes.get(user);
    if (inbox === undefined) return;
    inbox.messages = goodMessages(inbox, this.#context.wallTime());
    this.#keep(user, inbox);
  }

  #keep(user: string, inbox: Inbox): void {
    if (inbox.messages.length === 0) this.#inboxes.delete(user);
    else this.#inboxes.put(user, inbox);
  }
}

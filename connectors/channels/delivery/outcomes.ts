// Says what became of an action: the delivery record, the dead letter, the counts, and what follows for others.
//
// Owns: what is forwarded to the children `deliveries`, `dead-letter`, `channels`, `suppressions`, `commands`, `messages`,
// `alerts`, `sent` and `hand-over`. Does not own: deciding it (deliver.ts).

import { utf8Bytes } from '../../../lib/bytes.ts';
import type { ErrorCode } from '../../../lib/errors.ts';
import type { Action } from '../../../schemas/action.ts';
import { type Address, addressId, addressKey } from '../../../schemas/address.ts';
import type { ChannelState } from '../../../schemas/channel-state.ts';
import type { Command } from '../../../schemas/commands.ts';
import { deadLetter } from '../../../schemas/dead-letter.ts';
import type { Delivery } from '../../../schemas/delivery.ts';
import type { JsonObject } from '../../../schemas/json.ts';
import { referenceOf } from '../../../schemas/message-reference.ts';
import { ENTITY_HEADER, type RecordHeader } from '../../../schemas/record.ts';
import { type Suppression, suppressionKey } from '../../../schemas/suppression.ts';
import type { ProcessorContext } from '../../../state/processor.ts';
import type { Alerts, Incident } from './alerts.ts';
import { type OutboxEntry, readRecordOf } from './outbox.ts';
import type { DeviceResult, RenderedMessage } from './sender.ts';

/** An action at the head of its entity's outbox; `key` is the entity's. */
export interface Settling {
  readonly key: string;
  readonly entry: OutboxEntry;
  readonly action: Action;
  /** As it was rendered; null: it was not. */
  readonly message: RenderedMessage | null;
}

/** What a message was, for who asks later what somebody received (tripline.messages). */
export interface ArchivedMessage {
  readonly action: string;
  readonly decision: string;
  readonly rule: string;
  readonly entity: { readonly type: string; readonly id: string };
  readonly channel: string;
  /** Wall time, ms. */
  readonly at: number;
  /** `delivered`, or `sandbox`: rendered, and not sent. */
  readonly outcome: 'delivered' | 'sandbox';
  readonly to: Address | null;
  /** As its channel rendered it. */
  readonly content: object;
}

export interface OutcomesOptions {
  readonly channel: string;
  /** Whether what was sent is kept. */
  readonly archives: boolean;
  /** Whether word of its messages may come later. */
  readonly tellsSent: boolean;
  /** Null: nobody is alerted. */
  readonly alerts: Alerts | null;
  /** Is told of each that failed. */
  readonly onFailed: (delivery: Delivery) => void;
}

/** Twice what a template may give, and well below what a log takes (topology/engine/ports.ts). */
const ARCHIVED_MAX = 2 * 1024 * 1024;

export class Outcomes {
  readonly #context: ProcessorContext;
  readonly #options: OutcomesOptions;

  constructor(context: ProcessorContext, options: OutcomesOptions) {
    this.#context = context;
    this.#options = options;
  }

  delivered(what: Settling, providerId: string | null): void {
    const missing = what.message?.missing ?? [];
    const reason = missing.length === 0 ? null : `missing: ${missing.join(', ')}`;
    if (reason !== null) this.#context.count('template-missing', { channel: this.#options.channel });
    this.#report(what, { outcome: 'delivered', reason, providerId });
    this.#archive(what, 'delivered');
    this.#tellSent(what);
  }

  /** Goes where the topology says, in the transaction of the delivery record. */
  handOver({ key }: Settling, value: JsonObject): void {
    this.#context.forward({ key, value, timestamp: this.#context.wallTime(), headers: [] }, 'hand-over');
  }

  skipped(what: Settling, reason: string): void {
    this.#report(what, { outcome: 'skipped', reason, providerId: null });
    if (reason === 'sandbox') this.#archive(what, 'sandbox');
  }

  /** A delivery that failed is a dead letter too. */
  failed(what: Settling, reason: string, code: ErrorCode = 'TRG_DELIVERY_FAILED'): void {
    const delivery = this.#report(what, { outcome: 'failed', reason, providerId: null });
    this.#options.onFailed(delivery);
    this.unusable(what.entry, reason, code);
    if (what.action.fallback.length === 0) this.#alert({ kind: 'delivery_failed', reason, action: what.action });
  }

  /** A record that is no action, of which no delivery can tell. */
  unusable(entry: OutboxEntry, message: string, code: ErrorCode): void {
    const value = deadLetter(readRecordOf(entry), code, message, this.#context.wallTime());
    // As intake does: dead letters are in no entity's order.
    this.#forward(`${entry.topic}/${entry.partition}`, value, 'dead-letter');
    this.#context.count('dead-letter', { reason: code });
  }

  /** For all workers, until somebody enables it again. */
  channelDisabled(action: Action, reason: string): void {
    const { channel } = this.#options;
    const at = this.#context.wallTime();
    const state: ChannelState = { state: 'disabled', reason, at, by: 'provider', retryAt: null };
    this.#forward(channel, state, 'channels');
    this.#context.count('channel-disabled', { channel });
    this.#alert({ kind: 'channel_disabled', reason, action });
  }

  suppressed(suppression: Suppression): void {
    this.#forward(suppressionKey(suppression), suppression, 'suppressions');
    this.#context.count('suppression', { channel: this.#options.channel, reason: suppression.reason });
  }

  /** Devices that their provider no longer knows are forgotten by the entity's task. */
  devices(what: Settling, results: readonly DeviceResult[]): void {
    const { type } = what.action.entity;
    const headers: readonly RecordHeader[] = type === 'user' ? [] : [[ENTITY_HEADER, utf8Bytes(type)]];
    for (const { device, outcome, goneAt } of results) {
      if (outcome !== 'gone') continue;
      const at = goneAt ?? this.#context.wallTime();
      const command: Command = { kind: 'device', op: 'remove', device: { id: device }, at };
      this.#forward(what.action.entity.id, command, 'commands', headers);
    }
  }

  retried(): void {
    this.#context.count('delivery-retry', { channel: this.#options.channel });
  }

  /** A record that the outbox has already, read again. */
  repeated(): void {
    this.#context.count('delivery-repeat', { channel: this.#options.channel });
  }

  #alert(incident: Omit<Incident, 'channel' | 'at'>): void {
    const { channel, alerts } = this.#options;
    const alert = alerts?.about({ ...incident, channel, at: this.#context.wallTime() }) ?? null;
    if (alert !== null) this.#forward(alert.entity.id, alert, 'alerts');
  }

  /** For what is heard of the message later (connectors/feedback): by its id, and of a number by that, for answers. */
  #tellSent({ action, message }: Settling): void {
    const address = message?.address ?? null;
    if (!this.#options.tellsSent || address === null) return;
    const sent = { sent: referenceOf(action, addressId(address)) };
    this.#forward(action.id, sent, 'sent');
    if (address.kind === 'phone') this.#forward(addressKey(address), sent, 'sent');
  }

  #archive({ key, action, message }: Settling, outcome: ArchivedMessage['outcome']): void {
    if (!this.#options.archives || message === null) return;
    const { type, id } = action.entity;
    const archived: ArchivedMessage = {
      action: action.id,
      decision: action.decision,
      rule: action.rule,
      entity: { type, id },
      channel: this.#options.channel,
      at: this.#context.wallTime(),
      outcome,
      to: message.address,
      content: archivable(message.content),
    };
    this.#forward(key, archived, 'messages');
  }

  #report(
    { key, entry, action, message }: Settling,
    how: Pick<Delivery, 'outcome' | 'reason' | 'providerId'>,
  ): Delivery {
    const { channel } = this.#options;
    const address = message?.address ?? null;
    const value: Delivery = {
      action: action.id,
      decision: action.decision,
      rule: action.rule,
      ruleVersion: action.ruleVersion,
      entity: action.entity,
      channel,
      at: this.#context.wallTime(),
      attempts: entry.attempts,
      attempt: action.attempt,
      flow: action.flow,
      step: action.step,
      variant: action.variant,
      url: null,
      address: address === null ? null : addressId(address),
      isMachine: false,
      ...how,
    };
    this.#forward(
      key,
      value,
      'deliveries',
      entry.headers.map((header) => [header.name, header.value] as const),
    );
    this.#context.count('delivery', { channel, outcome: how.outcome });
    return value;
  }

  #forward(key: string, value: unknown, to: string, headers: readonly RecordHeader[] = []): void {
    this.#context.forward({ key, value, timestamp: this.#context.wallTime(), headers }, to);
  }
}

/** What is kept of a message that was sent; in place of what a record does not hold, why it is not there. */
function archivable(content: object): object {
  try {
    const { length } = JSON.stringify(content);
    return length <= ARCHIVED_MAX ? content : { omitted: `it has ${length} characters as JSON` };
  } catch {
    return { omitted: 'it is no JSON' };
  }
}

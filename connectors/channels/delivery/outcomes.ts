// Says what became of an action: the delivery record, the dead letter, the counts.
//
// Owns: what is forwarded to the children `deliveries`, `dead-letter` and `hand-over`. Does not own: deciding it (deliver.ts).

import type { ErrorCode } from '../../../lib/errors.ts';
import type { Action } from '../../../schemas/action.ts';
import { deadLetter } from '../../../schemas/dead-letter.ts';
import type { Delivery } from '../../../schemas/delivery.ts';
import type { JsonObject } from '../../../schemas/json.ts';
import type { ProcessorContext } from '../../../state/processor.ts';
import { type OutboxEntry, readRecordOf } from './outbox.ts';

/** An action at the head of its entity's outbox; `key` is the entity's. */
export interface Settling {
  readonly key: string;
  readonly entry: OutboxEntry;
  readonly action: Action;
}

export class Outcomes {
  readonly #context: ProcessorContext;
  readonly #channel: string;

  constructor(context: ProcessorContext, channel: string) {
    this.#context = context;
    this.#channel = channel;
  }

  delivered(what: Settling, providerId: string | null): void {
    this.#report(what, { outcome: 'delivered', reason: null, providerId });
  }

  /** Goes where the topology says, in the transaction of the delivery record. */
  handOver({ key }: Settling, value: JsonObject): void {
    this.#context.forward({ key, value, timestamp: this.#context.wallTime(), headers: [] }, 'hand-over');
  }

  skipped(what: Settling, reason: string): void {
    this.#report(what, { outcome: 'skipped', reason, providerId: null });
  }

  /** A delivery that failed is a dead letter too. */
  failed(what: Settling, reason: string, code: ErrorCode = 'TRG_DELIVERY_FAILED'): void {
    this.#report(what, { outcome: 'failed', reason, providerId: null });
    this.unusable(what.entry, reason, code);
  }

  /** A record that is no action, of which no delivery can tell. */
  unusable(entry: OutboxEntry, message: string, code: ErrorCode): void {
    const at = this.#context.wallTime();
    const value = deadLetter(readRecordOf(entry), code, message, at);
    // As intake does: dead letters are in no entity's order.
    const key = `${entry.topic}/${entry.partition}`;
    this.#context.forward({ key, value, timestamp: at, headers: [] }, 'dead-letter');
    this.#context.count('dead-letter', { reason: code });
  }

  retried(): void {
    this.#context.count('delivery-retry', { channel: this.#channel });
  }

  /** A record that the outbox has already, read again. */
  repeated(): void {
    this.#context.count('delivery-repeat', { channel: this.#channel });
  }

  #report({ key, entry, action }: Settling, how: Pick<Delivery, 'outcome' | 'reason' | 'providerId'>): void {
    const at = this.#context.wallTime();
    const value: Delivery = {
      action: action.id,
      decision: action.decision,
      rule: action.rule,
      ruleVersion: action.ruleVersion,
      entity: action.entity,
      channel: this.#channel,
      at,
      attempts: entry.attempts,
      attempt: action.attempt,
      flow: action.flow,
      step: action.step,
      variant: action.variant,
      url: null,
      address: null,
      isMachine: false,
      ...how,
    };
    const headers = entry.headers.map((header) => [header.name, header.value] as const);
    this.#context.forward({ key, value, timestamp: at, headers }, 'deliveries');
    this.#context.count('delivery', { channel: this.#channel, outcome: how.outcome });
  }
}

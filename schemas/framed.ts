// The codecs of the topics that others read, in Confluent framing. Without a registry the ids are those below.

import type { Action } from './action.ts';
import { framedCodec } from './codec.ts';
import type { DeadLetter } from './dead-letter.ts';
import type { Decision } from './decision.ts';
import type { Delivery } from './delivery.ts';
import type { FlowRecord } from './flow-record.ts';

/** Schema ids that a registry gave, by topic. A topic that is not among them is written with the id below. */
export type SchemaIds = Readonly<Record<string, number>>;

export interface Late {
  /** Document key of the entity, `type/id`. */
  readonly entity: string;
  readonly messageId: string;
  readonly event: string;
  /** Event time, ms. */
  readonly timestamp: number;
  /** Event time up to which the entity had been evaluated, ms. */
  readonly evaluatedTo: number;
  /** Ids of the rules that did not see it. */
  readonly rules: readonly string[];
  /** The event in the schema Event. */
  readonly envelope: Uint8Array;
}

/** Ids are never reused: records keep them. */
export const decisionCodec = framedCodec<Decision>('decision', 1);
export const actionCodec = framedCodec<Action>('actions/action', 2);
export const deliveryCodec = framedCodec<Delivery>('delivery', 3);
export const deadLetterCodec = framedCodec<DeadLetter>('dead-letter', 4);
export const lateCodec = framedCodec<Late>('late', 5);
export const flowRecordCodec = framedCodec<FlowRecord>('flow-record', 6);

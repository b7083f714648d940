// A delivery: what became of one attempt, or of the whole action, at a provider.

import type { EntityRef } from './decision.ts';

/**
 * delivered: the provider took it. skipped: not tried, with the reason. failed: given up; dead-lettered if its route has no further
 * channel. The others are what
 * was heard of it later: received (the device or mailbox has it), bounced, complained, opened, clicked, replied; and of the
 * inbox seen, read, dismissed, archived.
 */
export const DELIVERY_OUTCOMES = [
  'delivered',
  'failed',
  'skipped',
  'received',
  'bounced',
  'complained',
  'opened',
  'clicked',
  'replied',
  'seen',
  'read',
  'dismissed',
  'archived',
] as const;

export type DeliveryOutcome = (typeof DELIVERY_OUTCOMES)[number];

export interface Delivery {
  readonly action: string;
  readonly decision: string;
  readonly rule: string;
  readonly ruleVersion: string;
  readonly entity: EntityRef;
  readonly channel: string;
  /** Wall time of the outcome, ms since 1970. */
  readonly at: number;
  readonly outcome: DeliveryOutcome;
  /** Why it was skipped, failed or bounced; null where there is nothing to say. */
  readonly reason: string | null;
  /** Attempts made, this one included; 0 when skipped before any. */
  readonly attempts: number;
  /** Which channel of its route it was: the action's. */
  readonly attempt: number;
  /** The provider's own id of the message, if it gave one. */
  readonly providerId: string | null;
  readonly flow: string | null;
  readonly step: number;
  readonly variant: string | null;
  /** What was clicked. */
  readonly url: string | null;
  /** Where it went, as addressId() has it; null: to no address, or not known. */
  readonly address: string | null;
  /** A scanner or prefetcher did it, not a person: it reaches no rule and no report. */
  readonly isMachine: boolean;
}

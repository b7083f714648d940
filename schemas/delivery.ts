// A delivery: what became of one attempt, or of the whole action, at a provider.

import type { EntityRef } from './decision.ts';

/** delivered: the provider took it. skipped: not tried, with the reason. failed: given up, dead-lettered. */
export type DeliveryOutcome = 'delivered' | 'skipped' | 'failed';

export interface Delivery {
  readonly action: string;
  readonly decision: string;
  readonly rule: string;
  readonly entity: EntityRef;
  readonly channel: string;
  /** Wall time of the outcome, ms since 1970. */
  readonly at: number;
  readonly outcome: DeliveryOutcome;
  /** Why it was skipped or failed; null when delivered. */
  readonly reason: string | null;
  /** Attempts made, this one included; 0 when skipped before any. */
  readonly attempts: number;
  /** The provider's own id of the message, if it gave one. */
  readonly providerId: string | null;
}

// What the tasks of one channel share in an engine thread.
//
// Owns: interfaces only. services/job/delivery.ts opens it over the log and the data folder.

import type { Clock } from '../../../lib/clock.ts';
import type { Address } from '../../../schemas/address.ts';
import type { Suppression } from '../../../schemas/suppression.ts';
import type { AttemptStore } from './attempt-store.ts';
import type { Breaker } from './breaker.ts';
import type { Guard } from './guard.ts';
import type { OutcomesOptions } from './outcomes.ts';
import type { PacingOptions } from './pacing.ts';

export interface DeliveryDesk extends PacingOptions, Omit<OutcomesOptions, 'channel'> {
  readonly clock: Clock;
  readonly guard: Guard;
  readonly attempts: Pick<AttemptStore, 'note' | 'begun' | 'forget'>;
  readonly breaker: Breaker;
  /** So long an action is tried that has a further channel, ms. */
  readonly fallbackAfterMs: number;
  readonly suppression: (address: Address) => Suppression | undefined;
}

// What a failure says about an address.
//
// Invariants:
//   S1. A soft failure says nothing by itself: SOFT_MAX of one address in a row, without a delivery between and none older than
//       SOFT_FORGOTTEN_MS, are a bounce.

import { type Address, addressId } from '../../../schemas/address.ts';
import { type Suppression, suppressed } from '../../../schemas/suppression.ts';
import type { SoftBounces } from './outbox.ts';
import type { Settling } from './outcomes.ts';
import type { Failed } from './sender.ts';

const SOFT_MAX = 3;
const SOFT_FORGOTTEN_MS = 30 * 86_400_000;

export interface Told {
  /** Wall time, ms. */
  readonly now: number;
  readonly source: string;
  /** What is known of an address already. */
  readonly known: (address: Address) => Suppression | undefined;
}

export interface AfterFailure {
  /** To be written; null: the address is fine. */
  readonly suppression: Suppression | null;
  readonly softs: SoftBounces | null;
}

export function suppressionAfter(
  { action, message }: Settling,
  suppress: Failed['suppress'],
  softs: SoftBounces | null,
  { now, source, known }: Told,
): AfterFailure {
  const address = message?.address ?? null;
  if (suppress === undefined || address === null) return { suppression: null, softs };
  const id = addressId(address);
  if (suppress.soft === true) {
    const before = softs !== null && softs.address === id && softs.until > now ? softs.count : 0;
    if (before + 1 < SOFT_MAX) {
      return { suppression: null, softs: { address: id, count: before + 1, until: now + SOFT_FORGOTTEN_MS } };
    }
  }
  const told = { reason: suppress.reason, at: now, source };
  return { suppression: suppressed(address, told, action.entity, known(address)), softs: null };
}

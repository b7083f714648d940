// A suppression: an address that nothing is sent to any more, whosever it is. Written to tripline.suppressions, compacted, as JSON
// under addressKey(); a record without a value lifts it.
//
// It is no opt-out: that is a person's wish about messages (consent), this a fact about an address.

import { type Address, addressKey, normalisedAddress } from './address.ts';
import { isJsonObject } from './json.ts';

/** dead: there is no such mailbox or number. opt-out: told to the provider, who takes no more messages for it. */
export const SUPPRESSION_REASONS = ['bounce', 'complaint', 'dead', 'opt-out'] as const;

export type SuppressionReason = (typeof SUPPRESSION_REASONS)[number];

export interface Suppression {
  readonly kind: Address['kind'];
  /** As normalisedAddress() has it. */
  readonly address: string;
  readonly reason: SuppressionReason;
  /** Wall time, ms since 1970. */
  readonly at: number;
  /** Who told: a channel's name, or how else it came. */
  readonly source: string;
  /** `type/id` of those it is known to be the address of, at most ENTITIES_MAX. */
  readonly entities: readonly string[];
}

/** An address of so many is one of a team, and the rest need not be known. */
const ENTITIES_MAX = 100;

export function suppressionKey({ kind, address }: Suppression): string {
  return addressKey({ kind, value: address });
}

/** The suppression of an address that was met as the entity's, with who else was known to have it. */
export function suppressed(
  { kind, value }: Address,
  told: Pick<Suppression, 'reason' | 'at' | 'source'>,
  entity: { readonly type: string; readonly id: string },
  before: Suppression | undefined,
): Suppression {
  const own = `${entity.type}/${entity.id}`;
  const others = (before?.entities ?? []).filter((each) => each !== own);
  const address = normalisedAddress({ kind, value });
  return { kind, address, ...told, entities: [own, ...others].slice(0, ENTITIES_MAX) };
}

export function encodeSuppression(suppression: Suppression): Uint8Array {
  return Buffer.from(JSON.stringify(suppression));
}

/** Undefined: it is none, as anybody may write to the topic. */
export function decodeSuppression(bytes: Uint8Array): Suppression | undefined {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
  if (!isJsonObject(value)) return undefined;
  const { kind, address, reason, at, source, entities } = value;
  const isKnown = kind === 'email' || kind === 'phone' || kind === 'device';
  const isReason = SUPPRESSION_REASONS.some((each) => each === reason);
  if (!isKnown || !isReason || typeof address !== 'string') return undefined;
  return {
    kind,
    address,
    reason: reason as SuppressionReason,
    at: typeof at === 'number' ? at : 0,
    source: typeof source === 'string' ? source : '',
    entities: Array.isArray(entities) ? entities.filter((each) => typeof each === 'string') : [],
  };
}

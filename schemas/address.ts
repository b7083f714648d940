// Addresses of people: how two writings of one are recognised, and how one is named where it must not be shown.
//
// Invariants:
//   A1. An id tells nothing of its address to who does not have the address.

import { hash } from 'node:crypto';

export type AddressKind = 'email' | 'phone' | 'device';

export interface Address {
  readonly kind: AddressKind;
  /** As the provider takes it. */
  readonly value: string;
}

/** One writing of each address: mail without case and spaces, numbers as digits after a plus, tokens as they are. */
export function normalisedAddress({ kind, value }: Address): string {
  const text = value.trim();
  if (kind === 'email') return text.toLowerCase();
  if (kind === 'phone') return text.replaceAll(/[^\d+]/g, '');
  return text;
}

/** `<kind>:<32 hex digits>`: the same for all writings of an address, in every record and run. */
export function addressId(address: Address): string {
  return `${address.kind}:${hash('sha256', normalisedAddress(address)).slice(0, 32)}`;
}

/** Key of the address's record in tripline.suppressions. */
export function addressKey(address: Address): string {
  return `${address.kind}:${normalisedAddress(address)}`;
}

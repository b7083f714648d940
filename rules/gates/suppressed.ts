// Suppressed: an address that turned out to be dead, or whose owner complained. It is not an opt-out: it holds for the address,
// whoever has it (the connectors ask the list of all; this gate knows what came back to this entity).

import { type Address, addressId } from '../../schemas/address.ts';
import * as binary from '../../schemas/binary.ts';
import type { StateCodec } from '../../schemas/section.ts';
import { allChannels, passedOverInWords } from './consent.ts';
import { defineChannelGate } from './gate.ts';

/** addressId() of the addresses of this entity that are suppressed, the newest last. */
export const suppressedAddresses: StateCodec<string[]> = {
  kind: 'suppressed',
  version: 1,
  ...binary.list(binary.text),
};

export const suppressedGate = defineChannelGate({
  name: 'suppressed',
  reason: 'suppressed',
  fields: {},
  isAsked: ({ sections }) => sections.open(suppressedAddresses) !== undefined,
  allows({ sections, around, scope }, channel) {
    const { addresses, addressKind: kind } = around.channels.get(channel) ?? {};
    const dead = sections.open(suppressedAddresses);
    if (dead === undefined || kind === undefined || addresses === null || addresses === undefined) return true;
    const own = addresses.flatMap((name): Address[] => {
      const value = scope.profile[name];
      return typeof value === 'string' && value !== '' ? [{ kind, value }] : [];
    });
    return own.length === 0 || own.some((address) => !dead.includes(addressId(address)));
  },
  words({ routes }, refused) {
    return refused ? `the address for ${allChannels(routes)} is suppressed` : passedOverInWords(routes, 'suppressed');
  },
});

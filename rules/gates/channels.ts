// What rules and gates must know of a channel. Channels themselves are in connectors/channels, which tell it.

import type { AddressKind } from '../../schemas/address.ts';

export interface ChannelTraits {
  /** needed: a send says which template writes the message. optional: the receiver may have the data itself. */
  readonly template: 'needed' | 'optional';
  /** Whether a person must not have said no: it reaches people, not systems or colleagues. */
  readonly asksConsent: boolean;
  /** Attributes of the profile of which one must be there for the channel to reach a person; null: it needs none. */
  readonly addresses: readonly string[] | null;
  /** What kind of address that is, by which it may be suppressed; left out: none that is. */
  readonly addressKind?: AddressKind;
  /** A device of the person does as well. */
  readonly usesDevices?: boolean;
}

// Reach: which channels have a way to the person.
//
// Invariants:
//   R1. A channel that somebody else delivers counts as reachable.

import { allChannels, passedOverInWords } from './consent.ts';
import { defineChannelGate } from './gate.ts';

export const reachGate = defineChannelGate({
  name: 'reachable',
  reason: 'unreachable',
  fields: {},
  allows({ around, scope, devices }, channel) {
    const traits = around.channels.get(channel);
    if (traits === undefined || traits.addresses === null) return true;
    return (
      traits.addresses.some((name) => isSet(scope.profile[name])) || (traits.usesDevices === true && devices() > 0)
    );
  },
  words({ routes }, refused) {
    return refused ? `no address is known for ${allChannels(routes)}` : passedOverInWords(routes, 'unreachable');
  },
});

function isSet(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== null && value !== '';
}

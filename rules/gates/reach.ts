// Reach: which channels have a way to the person. It takes the others out of the routes.
//
// Invariants:
//   R1. A channel that somebody else delivers, since it has no connector here, counts as reachable.

import { allChannels, passedOverInWords } from './consent.ts';
import { defineGate, REFUSED } from './gate.ts';

export const reachGate = defineGate({
  name: 'reachable',
  reason: 'unreachable',
  fields: {},
  compile(_body, { sends }) {
    if (!sends) return null;
    return {
      refusal({ routes, around, scope }) {
        const reaches = (channel: string): boolean => {
          const addresses = around.channels.get(channel)?.addresses ?? null;
          return addresses?.some((name) => isSet(scope.profile[name])) ?? true;
        };
        for (const route of routes) route.keep(reaches, 'unreachable');
        return routes.some(({ channels }) => channels.length > 0) ? null : REFUSED;
      },
      words({ routes }, refused) {
        return refused ? `no address is known for ${allChannels(routes)}` : passedOverInWords(routes, 'unreachable');
      },
    };
  },
});

function isSet(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== null && value !== '';
}

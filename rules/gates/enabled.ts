// `enabled: false`: the rule's matches are recorded, and suppressed.

import Type from 'typebox';
import { defineGate, REFUSED } from './gate.ts';

export const enabledGate = defineGate({
  name: 'enabled',
  reason: 'disabled',
  fields: {
    enabled: Type.Optional(
      Type.Boolean({ description: 'Default true. False: its matches are recorded, and suppressed.' }),
    ),
  },
  compile({ enabled = true }) {
    return {
      refusal: () => (enabled ? null : REFUSED),
      words: (_candidate, refused) => (refused ? 'the rule has `enabled: false`' : null),
    };
  },
});

// The hold-out over all rules: entities that nothing is done for, so that what all rules together achieve can be told.
//
// Owns: whom it refuses. Does not own: the file (holdouts.ts), who is in a group (held-out.ts).
//
// Invariants:
//   W1. Whoever is in a group is treated by no rule whose category is not exempt, whatever the rule says itself.
//   W2. What must be said is said: categories of consent.always are exempt from every group.

import { type Candidate, defineGate, REFUSED } from './gate.ts';
import { isHeldOut } from './held-out.ts';
import type { GlobalHoldout } from './holdouts.ts';

const REASON = 'global-holdout';

export const globalHoldoutGate = defineGate({
  name: 'global hold-out',
  reason: REASON,
  fields: {},
  compile() {
    return {
      isAsked: ({ around }) => around.withHoldouts && around.holdouts.length > 0,
      refusal: (candidate) => (groupOf(candidate) === null ? null : REFUSED),
      values(candidate) {
        const group = groupOf(candidate);
        return group === null ? {} : { [REASON]: group.name };
      },
      words(candidate, refused) {
        return refused ? `this one is in the group "${groupOf(candidate)?.name}", which no rule treats` : null;
      },
    };
  },
});

/** The first group of the file that holds the entity out of this rule; null: none. */
function groupOf({ around, rule: { category }, entityKey }: Candidate): GlobalHoldout | null {
  if (!around.withHoldouts || around.holdouts.length === 0) return null;
  if (category !== null && around.always.has(category)) return null;
  const group = around.holdouts.find(
    (one) =>
      entityKey.startsWith(`${one.entity}/`) &&
      (category === null || !one.exempt.has(category)) &&
      isHeldOut(one, entityKey),
  );
  return group ?? null;
}

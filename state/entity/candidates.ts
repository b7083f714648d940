// Candidates that wait: for the end of quiet hours, for a model's answer, for a person, for flows that may end before them.
//
// Owns: what is kept of each, and how many may wait. Does not own: why they wait (gates, scores, flows).

import { type HeldMatch, heldMatch } from '../../rules/patterns/held-match.ts';
import type { WaitKind } from './waits.ts';

/** A candidate's match, and the value of `by` for which its rule found it. */
export interface HeldCandidate {
  readonly match: HeldMatch;
  readonly by: string;
}

/** Each has the events of its match with all their data; a person who has more waiting for one reason is a machine. */
const HELD_MAX = 32;

function heldFor(reason: string): WaitKind<HeldCandidate> {
  return {
    what: {
      kind: reason,
      version: 2,
      write({ match, by }, out) {
        heldMatch.write(match, out);
        out.text(by);
      },
      // Before version 2 a match was all that was kept.
      read: (input, version) => ({ match: heldMatch.read(input), by: version < 2 ? '' : input.text() }),
    },
    max: HELD_MAX,
  };
}

/** By the reason for which they wait. */
export const heldCandidates = {
  'quiet-hours': heldFor('quiet-hours'),
  score: heldFor('score'),
  review: heldFor('review'),
  flows: heldFor('flows'),
} as const;

export type HeldReason = keyof typeof heldCandidates;

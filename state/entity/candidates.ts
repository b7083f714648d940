// Candidates that wait: for the end of quiet hours, for a model's answer, for a person, for flows that may end before them.
//
// Owns: what is kept of each, and how many may wait. Does not own: why they wait (gates, scores, flows).

import type { Reviewed } from '../../rules/gates/gate.ts';
import { type HeldMatch, heldMatch } from '../../rules/patterns/held-match.ts';
import * as binary from '../../schemas/binary.ts';
import type { Json, JsonObject } from '../../schemas/json.ts';
import type { WaitKind } from './waits.ts';

/** A candidate's match, and the value of `by` for which its rule found it. */
export interface HeldCandidate {
  readonly match: HeldMatch;
  readonly by: string;
  /** What a person has said of it, who is not asked again; left out: nobody was asked. */
  readonly reviewed?: HeldReview | undefined;
}

export interface HeldReview extends Reviewed {
  readonly data: JsonObject;
}

/** Each has the events of its match with all their data; a person who has more waiting for one reason is a machine. */
const HELD_MAX = 32;

function heldFor(reason: string): WaitKind<HeldCandidate> {
  return {
    what: {
      kind: reason,
      version: 3,
      write({ match, by, reviewed = null }, out) {
        heldMatch.write(match, out);
        out.text(by);
        binary.json.write(reviewed as Json, out);
      },
      // Before version 2 a match was all that was kept, before version 3 not what a person had said.
      read: (input, version) => {
        const held = { match: heldMatch.read(input), by: version < 2 ? '' : input.text() };
        const reviewed = version < 3 ? null : binary.json.read(input);
        return reviewed === null ? held : { ...held, reviewed: reviewed as unknown as HeldReview };
      },
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

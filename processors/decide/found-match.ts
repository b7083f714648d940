// A match that a pattern found, with how it came to be decided on.

import type { Match } from '../../rules/patterns/pattern.ts';
import type { CompiledRule } from '../../rules/project/compiled-rule.ts';
import type { HeldReview } from '../../state/entity/candidates.ts';

export interface FoundMatch {
  readonly rule: CompiledRule;
  readonly match: Match;
  /** Value of the rule's `by` for which it was found, '' without one. */
  readonly by: string;
  /** Whether everything up to its time has been done: found in order of time, or by a timer. */
  readonly isSettled: boolean;
  /** When the match was made, where it waited and is decided on later, ms; left out: at its own time. */
  readonly matchedAt?: number;
  /** It waited for its turn in event-time order, and sees what is known then; left out: it did not. */
  readonly isItsTurn?: boolean;
  /** What a person who looked at it said, and changed of its messages' data; left out: nobody has looked. */
  readonly reviewed?: HeldReview | undefined;
}

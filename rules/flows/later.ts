// The parts of the rule language that this version refuses by name: their shape, for editors and for those who build
// them. A part moves to schema.ts when it becomes available.

import Type from 'typebox';
import { duration, EventNames, fields, later, Where } from '../language/parts.ts';

/** Fields of the rule itself. */
export const LATER_FIELDS = {
  goal: Type.Optional(
    fields(
      { event: EventNames, where: Type.Optional(Where), within: Type.Optional(duration('Counted from the match.')) },
      later({ description: 'What the flow is for: it ends at once when this happens.' }),
    ),
  ),
} as const;

/** Steps of `then`. */
export const LATER_STEPS = {
  wait: Type.Optional(Type.Unknown(later({ description: 'Waits for a duration, or until a time of day.' }))),
  waitFor: Type.Optional(
    fields(
      {
        event: EventNames,
        where: Type.Optional(Where),
        atMost: duration('Waits no longer than this.'),
        onTimeout: Type.Optional(Type.Array(Type.Unknown(), { description: 'Steps, if it did not come.' })),
      },
      later({ description: 'Waits for an event.' }),
    ),
  ),
  branch: Type.Optional(
    Type.Array(Type.Unknown(), later({ description: 'Takes the first branch whose `if` is true.' })),
  ),
  choose: Type.Optional(Type.Unknown(later({ description: 'Takes a variant of an experiment, or of a bandit.' }))),
  set: Type.Optional(Type.Unknown(later({ description: 'Sets a profile attribute.' }))),
  emit: Type.Optional(Type.Unknown(later({ description: 'Emits an event that other rules can match.' }))),
  review: Type.Optional(Type.Unknown(later({ description: 'A person looks before the flow goes on.' }))),
  exit: Type.Optional(Type.Unknown(later({ description: 'Ends the flow.' }))),
} as const;

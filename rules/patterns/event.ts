// `event`: matches each event that passes, at once. Keeps nothing.

import type { Pattern } from '../api.ts';
import {
  type EventFilter,
  eventFilter,
  interestsOf,
  matchesFilter,
  NO_CAPTURES,
  type PatternDefinition,
} from './definition.ts';

export const eventPattern: PatternDefinition = {
  kind: 'event',
  lane: 'arrival',
  compile(when, tools) {
    const capture = tools.capture([...tools.path, 'as'], when.as);
    const filter = eventFilter(when, tools);
    return { pattern: patternOf(filter, capture), captures: capture === null ? [] : [capture], eventInThen: true };
  },
};

function patternOf(filter: EventFilter, capture: string | null): Pattern {
  return {
    kind: 'event',
    interests: interestsOf([filter]),
    onEvent(state, event, input) {
      if (matchesFilter(filter, event, NO_CAPTURES, input)) {
        const captures = capture === null ? NO_CAPTURES : { [capture]: event };
        input.match({ at: event.time, events: [event.messageId], captures, event });
      }
      return state;
    },
    onDeadline: () => null,
    deadlineOf: () => Infinity,
  };
}

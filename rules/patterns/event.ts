// `event`: matches each event that passes, at once. Keeps nothing.

import { EventNames } from '../language/parts.ts';
import {
  definePattern,
  type EventFilter,
  eventFilter,
  interestsOf,
  matchesFilter,
  NO_CAPTURES,
  NO_DEADLINE_WORDS,
  namesInWords,
  whereInWords,
} from './definition.ts';
import type { Pattern } from './pattern.ts';

export const eventPattern = definePattern({
  kind: 'event',
  shape: EventNames,
  beside: ['where', 'as'],
  lane: 'arrival',
  states: [],
  compile(event, tools) {
    const { where, as } = tools.beside;
    const capture = tools.capture([...tools.path, 'as'], as);
    const filter = eventFilter({ event, where }, tools);
    const pattern = patternOf(filter, capture, `fires with each ${namesInWords(event)}${whereInWords(where)}`);
    return { pattern, captures: capture === null ? [] : [capture], eventInThen: true };
  },
});

function patternOf(filter: EventFilter, capture: string | null, words: string): Pattern {
  return {
    state: null,
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
    words: { nothing: words, progress: () => words, ...NO_DEADLINE_WORDS },
  };
}

// `segment`: the entity enters a segment, or leaves it. Keeps nothing: membership is kept beside it
// (processors/evaluate/segments.ts), which makes an event of each change.
//
// Invariants:
//   S1. It fires at the time of the change: that of the event that brought it, or the moment at which time alone did.

import Type from 'typebox';
import { segmentEventName } from '../../schemas/internal-events.ts';
import { fields } from '../language/parts.ts';
import { definePattern, NO_CAPTURES, NO_DEADLINE_WORDS, NOTHING_KEPT } from './definition.ts';
import type { Pattern } from './pattern.ts';

const Segment = fields(
  {
    enters: Type.Optional(Type.String({ minLength: 1, description: 'Id of a segment: fires on entry.' })),
    leaves: Type.Optional(Type.String({ minLength: 1, description: 'Id of a segment: fires on exit.' })),
  },
  { description: 'Fires when the entity enters a segment, or leaves it.' },
);

export const segmentPattern = definePattern({
  kind: 'segment',
  shape: Segment,
  lane: 'arrival',
  states: [],
  compile({ enters, leaves }, tools) {
    const names: string[] = [];
    for (const [change, id] of [['enters', enters] as const, ['leaves', leaves] as const]) {
      if (id === undefined) continue;
      tools.segment([...tools.path, change], id);
      names.push(segmentEventName(change, id));
    }
    if (names.length === 0) tools.error(tools.path, '"segment" needs "enters" or "leaves"', 'such as { enters: vip }');
    return { pattern: patternOf(names), captures: [], eventInThen: true };
  },
});

function patternOf(names: readonly string[]): Pattern {
  return {
    state: null,
    interests: names,
    onEvent(state, event, input) {
      if (!names.includes(event.event)) return state;
      const events = event.messageId === '' ? [] : [event.messageId];
      input.match({ at: event.time, events, captures: NO_CAPTURES, event });
      return state;
    },
    onDeadline: () => null,
    deadlineOf: () => Infinity,
    words: { nothing: NOTHING_KEPT, progress: () => NOTHING_KEPT, ...NO_DEADLINE_WORDS },
  };
}

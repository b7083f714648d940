// `segment`: the entity enters a segment, or leaves it. Keeps nothing: membership is kept beside it
// (processors/evaluate/segments.ts), which makes an event of each change.
//
// Invariants:
//   S1. It fires at the time of the change: that of the event that brought it, or the moment at which time alone did.

import { segmentEventName } from '../../schemas/internal-events.ts';
import type { Pattern } from '../api.ts';
import { NO_CAPTURES, type PatternDefinition } from './definition.ts';

export const segmentPattern: PatternDefinition = {
  kind: 'segment',
  lane: 'arrival',
  compile(when, tools) {
    const { enters, leaves } = when.segment ?? {};
    const names: string[] = [];
    for (const [change, id] of [['enters', enters] as const, ['leaves', leaves] as const]) {
      if (id === undefined) continue;
      tools.segment([...tools.path, change], id);
      names.push(segmentEventName(change, id));
    }
    if (names.length === 0) tools.error(tools.path, '"segment" needs "enters" or "leaves"', 'such as { enters: vip }');
    return { pattern: patternOf(names), captures: [], eventInThen: true };
  },
};

function patternOf(names: readonly string[]): Pattern {
  return {
    kind: 'segment',
    interests: names,
    onEvent(state, event, input) {
      if (!names.includes(event.event)) return state;
      const events = event.messageId === '' ? [] : [event.messageId];
      input.match({ at: event.time, events, captures: NO_CAPTURES, event });
      return state;
    },
    onDeadline: () => null,
    deadlineOf: () => Infinity,
  };
}

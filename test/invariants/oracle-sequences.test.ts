// The engine's sequences against their definition (test/oracle/sequences.ts): any sequence the language can say, over
// events with ties and deadlines met exactly, the state written and read again after every event.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Match, PatternState } from '../../rules/api.ts';
import { Event } from '../../schemas/event.ts';
import type { OracleEvent, OracleRule } from '../oracle/oracle.ts';
import { matchesOf } from '../oracle/patterns.ts';
import { orderedEvents, rulesText } from '../property/generators.ts';
import { sequenceBody } from '../property/sequence-bodies.ts';
import { compiled, PatternRun } from '../rules/kit.ts';
import { reread } from '../rules/patterns/sequence/kit.ts';
import { holds } from './property.ts';

function eventOf({ messageId, event, time, properties, userId }: OracleEvent): Event {
  return new Event({ messageId, type: 'track', event, userId, anonymousId: null, time, properties });
}

/** What is compared of a match: `event` is null where nothing reads it. */
function lineOf({ at, events }: Pick<Match, 'at' | 'events'>): string {
  return `${at} ${events.join(',')}`;
}

const questions = fc
  .record({
    sequence: sequenceBody(),
    events: orderedEvents({ eventsMax: 11, usersMax: 1, repeats: false }),
    restMs: fc.constantFrom(0, 20_000, 3_600_000),
  })
  .map(({ sequence, events, restMs }) => {
    const { by: _by, ...body } = sequence;
    return { sequence: body, events: events.map(meeting), restMs };
  });

/** Sequences name three events: more of those, so that they meet. */
function meeting(event: OracleEvent): OracleEvent {
  return event.event === 'login' && event.properties['tag'] !== undefined ? { ...event, event: 'add' } : event;
}

holds(
  'a sequence matches what its definition says, restarted after every event',
  1_500,
  questions,
  async (question) => {
    const { sequence, events, restMs } = question;
    const rule: OracleRule = { id: 'r', when: { sequence } };
    const end = (events.at(-1)?.time ?? 0) + restMs;
    const run = new PatternRun(compiled(rulesText([rule])));
    for (const one of events) {
      run.seeInOrder(eventOf(one));
      run.state = reread(run.state) as PatternState | null;
    }
    run.passTo(end);
    // Beyond the bounds the engine forgets; that has tests of its own.
    fc.pre(run.drops.length === 0);
    const expected = matchesOf(rule, events).filter((match) => !match.due || match.at <= end);
    assert.deepEqual(run.matches.map(lineOf), expected.map(lineOf));
  },
);

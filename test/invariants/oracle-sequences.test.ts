// The engine's sequences against their definition (test/oracle/sequences.ts): any sequence the language can say, over
// events with ties and deadlines met exactly, the state written and read again after every event.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Match, PatternState } from '../../rules/patterns/pattern.ts';
import { Event } from '../../schemas/event.ts';
import { decideByEngine } from '../oracle/engine.ts';
import { decide, type OracleEvent, type OracleRule } from '../oracle/oracle.ts';
import { matchesOf } from '../oracle/patterns.ts';
import { byOf } from '../oracle/rule.ts';
import { orderedEvents, rules, rulesText, shuffledWithin, withoutOpenTies } from '../property/generators.ts';
import { sequenceBody } from '../property/sequence-bodies.ts';
import { compiled, PatternRun } from '../rules/kit.ts';
import { reread } from '../rules/patterns/sequence/kit.ts';
import { decidesAsOracle, inOneOrder, isModelled, withoutGates } from './against-oracle.ts';
import { anyAct } from './live.ts';
import { oneSource, type Plan, plans } from './plans.ts';
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

/** Deadlines at one time for several values of `by` come in an open order: there, gates would make a difference of it. */
function withoutOpenGates(rule: OracleRule): OracleRule {
  return byOf(rule) === undefined ? rule : withoutGates(rule);
}

const wholeRules = fc
  .record({
    shuffled: fc.boolean(),
    rules: rules(2, { patterns: ['sequence'] }),
    events: orderedEvents({ eventsMax: 14, usersMax: 2 }),
    outOfOrdernessMs: fc.constantFrom(10_000, 60_000, 0),
    restMs: fc.constantFrom(0, 30_000, 3_600_000),
  })
  .map((one) => ({ ...one, rules: one.rules.filter((rule) => isModelled(rule, one.shuffled)).map(withoutOpenGates) }))
  .filter((one) => one.rules.length > 0)
  .chain(({ events, shuffled, ...rest }) => {
    const met = withoutOpenTies(rest.rules, events.map(meeting));
    const arrived: fc.Arbitrary<OracleEvent[]> = shuffled
      ? shuffledWithin(met, rest.outOfOrdernessMs)
      : fc.constant(met);
    return arrived.map((events) => ({ ...rest, events }));
  });

holds(
  'rules of sequences decide as the oracle does, in both lanes and out of order',
  200,
  wholeRules,
  async (question) => {
    const { rules, events, restMs, outOfOrdernessMs } = question;
    const endOfTime = Math.max(0, ...events.map((event) => event.time)) + restMs;
    const options = { events, endOfTime, outOfOrdernessMs, dedupeWindowMs: 86_400_000, dedupeMax: 1_000 };
    const answer = await decideByEngine(rulesText(rules), options);
    fc.pre(answer.dropped === 0);
    const expected = decide({ ...options, rules });
    assert.deepEqual(inOneOrder(answer.decisions), inOneOrder(expected.decisions));
    assert.deepEqual(answer.late, expected.late);
  },
);

holds(
  'with crashes, lag and lost disks, each match of a sequence is one decision, as the oracle has it (I2)',
  20,
  plans({
    rules: { patterns: ['sequence'], order: 'event-time' },
    stream: { usersMax: 3, eventsMax: 16 },
    act: anyAct,
    shuffle: 'within',
    shape: oneSource,
  }),
  (plan: Plan) => decidesAsOracle({ ...plan, rules: plan.rules.map(withoutOpenGates) }),
);

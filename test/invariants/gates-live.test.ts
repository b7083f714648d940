// I1, I2 and I4 of all gates together: caps, groups, cooldowns, quiet hours that end, segments that are entered and left.
// Whatever the engine goes through on the way, it decides as one that nothing happened to, each candidate once.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { channelTraits } from '../../connectors/channels/index.ts';
import { formatProblem } from '../../lib/problem.ts';
import { checkRules } from '../../rules/index.ts';
import { type Action, actionJson } from '../../schemas/action.ts';
import { type Decision, decisionJson } from '../../schemas/decision.ts';
import { actionCodec } from '../../schemas/framed.ts';
import { decisionLine, parseEvent, START } from '../oracle/notation.ts';
import { orderedEvents, shuffledWithin } from '../property/generators.ts';
import {
  anyAct,
  decisionsOf,
  type Finished,
  type LiveOptions,
  type Move,
  moves,
  OUT_OF_ORDERNESS_MS,
  outputsOf,
  PLAIN,
  play,
  type Tuning,
  tuning,
} from './live.ts';
import { holds } from './property.ts';

/** In event-time order, in which what one rule does to another through a cap does not depend on lag. */
const RULES = `
{ id: adds, order: event-time, when: { event: add }, exclusive: x, priority: 90, then: [{ send: { channel: webhook } }] }
---
{ id: any, order: event-time, when: { event: "*" }, exclusive: x, cooldown: 20s, then: [{ send: { channel: webhook } }] }
---
id: gone
when: { absence: { after: { event: add, as: start }, of: { event: buy }, within: 30s } }
category: news
quietHours: { from: "01:00", to: "01:01", timezone: Europe/Berlin }
then: [{ send: { channel: webhook, data: { id: start.messageId } } }]
---
{ id: in, order: event-time, when: { segment: { enters: busy } }, if: 'sent("any", "1m") < 3' }
---
{ id: out, order: event-time, when: { segment: { leaves: busy } }, holdout: 70% }
---
id: looked
order: event-time
when: { event: [view, login] }
audience: 'count("buy", "1m") + count("add", "1m") > 0'
review: 'count("add", "40s") > 0'
`;

const { ruleSet, errors } = checkRules([{ file: 'rules.yaml', text: RULES }], {
  outOfOrdernessMs: OUT_OF_ORDERNESS_MS,
  entities: [],
  channels: channelTraits({}),
  context: {
    segments: [{ file: 's.yaml', text: `id: busy\nwhere: 'count("add", "40s") + count("buy", "20s") >= 2'` }],
    caps: [{ file: 'c.yaml', text: '- { max: 3, per: 1m, channel: webhook }\n- { max: 1, per: day, category: news }' }],
  },
});
assert.deepEqual(errors.map(formatProblem), []);

const plan: fc.Arbitrary<LiveOptions> = orderedEvents({ eventsMax: 25 })
  .chain((events) => shuffledWithin(events, OUT_OF_ORDERNESS_MS))
  .chain((events) =>
    fc.record({
      rules: fc.constant(''),
      ruleSet: fc.constant(ruleSet),
      events: fc.constant(events),
      moves: moves(events.length, anyAct),
      tuning,
      partitions: fc.integer({ min: 1, max: 3 }),
    }),
  );

/** Every decision and every action, whole. Each action is one of a decision that fired. */
async function outcomeOf(finished: Finished): Promise<{ decisions: Decision[]; actions: Action[] }> {
  const decisions = await decisionsOf(finished);
  const records = [...(await outputsOf(finished.driver, (topic) => topic.startsWith('actions.'))).values()].flat();
  const actions = records.map(({ value }) => actionCodec.decode(value!));
  await finished.driver.close();
  const fired = decisions.filter(({ outcome }) => outcome === 'fired');
  const sending = fired.filter(({ rule }) => ['adds', 'any', 'gone'].includes(rule)).map(({ id }) => id);
  assert.deepEqual(actions.map(({ decision }) => decision).sort(), sending.sort());
  return { decisions, actions };
}

async function linesOf(options: LiveOptions): Promise<string[]> {
  const { decisions, actions } = await outcomeOf(await play(options));
  return [
    ...decisions.map((decision) => JSON.stringify(decisionJson(decision))),
    ...actions.map((action) => JSON.stringify(actionJson(action))),
  ].sort();
}

holds('with crashes, lag and lost disks, all gates decide as without them (I1, I2, I4)', 40, plan, async (options) => {
  const calm = options.events.map(() => ({ silence: [], after: { kind: 'run' as const } }));
  const expected = await linesOf({ ...options, moves: calm, tuning: PLAIN, partitions: 1 });
  assert.deepEqual(await linesOf(options), expected);
});

/** In seconds from 01:00 in Berlin, so that the first minute is quiet. */
const EVENTS = [
  ...['0 u1 add m1', '0 u2 add m2', '0 u3 add m3', '0 u4 add m4', '5 u1 view m5', '10 u1 add m6', '15 u1 buy m7'],
  ...['20 u2 buy m8', '25 u3 buy m9', '30 u1 add m10', '36 u1 add m11', '50 u2 login m12', '90 u1 add m13'],
  ...['150 u2 add m14', '250 u1 view m15'],
].map(parseEvent);

const DECISIONS = [
  ...['0 u1 adds fired m1', '0 u1 any exclusive m1', '0 u2 adds fired m2', '0 u2 any exclusive m2'],
  ...['0 u3 adds fired m3', '0 u3 any exclusive m3', '0 u4 adds fired m4', '0 u4 any exclusive m4'],
  ...['5 u1 any fired m5', '5 u1 looked review m5'],
  // The third send within a minute; two of `add` make one busy, who was sent too much to be told so.
  ...['10 u1 adds fired m6', '10 u1 any cooldown m6', '10 u1 in condition m6', '15 u1 any cooldown m7'],
  ...['20 u2 any fired m8', '20 u2 in fired m8', '25 u3 any fired m9', '25 u3 in fired m9'],
  ...['30 u1 adds cap m10', '30 u1 any cap m10', '36 u1 adds cap m11', '36 u1 any cap m11'],
  ...['30 u4 gone quiet-hours m4', '60 u4 gone fired m4'],
  // `add` of 0 s and `buy` of 20 s have left their windows; of those who go, one is held out.
  ...['40 u2 out fired ', '40 u3 out holdout ', '70 u1 out fired '],
  ...['50 u2 any fired m12', '50 u2 looked fired m12'],
  ...['66 u1 gone fired m11', '90 u1 adds fired m13', '90 u1 any exclusive m13', '120 u1 gone cap m13'],
  ...['150 u2 adds fired m14', '150 u2 any exclusive m14', '180 u2 gone fired m14'],
  ...['250 u1 any fired m15', '250 u1 looked audience m15'],
];

/** Of every rule that sends, what it sends to whom, and of `gone` what it says. */
const SENDS = [
  ...['0 u1 adds', '0 u2 adds', '0 u3 adds', '0 u4 adds', '5 u1 any', '10 u1 adds', '20 u2 any', '25 u3 any'],
  ...['50 u2 any', '60 u4 gone m4', '66 u1 gone m11', '90 u1 adds', '150 u2 adds', '180 u2 gone m14', '250 u1 any'],
].map((line) => `${line} by webhook`);

async function assertDecided(moves: readonly Move[], tuning: Tuning, what: string): Promise<void> {
  const { decisions, actions } = await outcomeOf(await play({ rules: '', ruleSet, events: EVENTS, moves, tuning }));
  const lines = decisions.map((decision) => decisionLine({ ...decision, entity: decision.entity.id }));
  assert.deepEqual(lines.sort(), DECISIONS.toSorted(), what);
  const sends = actions.map(({ at, entity, rule, channel, data }) =>
    [(at - START) / 1_000, entity.id, rule, ...Object.values(data), 'by', channel].join(' '),
  );
  assert.deepEqual(sends.sort(), SENDS.toSorted(), what);
}

test('each gate lets through and refuses what it should, and only what fired is sent', async () => {
  const keepsUp: Move[] = EVENTS.map(() => ({ silence: [], after: { kind: 'run' } }));
  await assertDecided(keepsUp, PLAIN, 'keeping up');
});

test('it does so when all events wait at its start, and it dies at a call and loses its disk (I1, I4)', async () => {
  const waiting: Move[] = EVENTS.slice(1).map(() => ({ silence: [], after: { kind: 'lag' } }));
  for (let calls = 0; calls < 60; calls += 3) {
    const after = { kind: 'die', calls, when: calls % 2 === 0 ? 'before' : 'after', lose: calls % 4 === 0 } as const;
    const moves = [...waiting, { silence: [], after }];
    await assertDecided(moves, { ...PLAIN, dirtyBytesMax: 1 }, `dead ${after.when} call ${calls}`);
  }
});

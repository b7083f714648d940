// I1, I2 and I4 of all gates together: caps, groups, cooldowns, quiet hours that end, segments that are entered and left.
// Whatever the engine goes through on the way, it decides as one that nothing happened to, each candidate once.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { channelTraits } from '../../connectors/channels/index.ts';
import { formatProblem } from '../../lib/problem.ts';
import { checkRules } from '../../rules/index.ts';
import { decisionJson } from '../../schemas/decision.ts';
import { orderedEvents, shuffledWithin } from '../property/generators.ts';
import { anyAct, decisionsOf, type LiveOptions, moves, OUT_OF_ORDERNESS_MS, PLAIN, play, tuning } from './live.ts';
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
{ id: out, order: event-time, when: { segment: { leaves: busy } }, holdout: 30% }
---
{ id: looked, order: event-time, when: { event: view }, audience: 'inSegment("busy")', review: 'count("add", "40s") > 1' }
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

async function linesOf(options: LiveOptions): Promise<string[]> {
  const finished = await play(options);
  const lines = (await decisionsOf(finished)).map((decision) => JSON.stringify(decisionJson(decision)));
  await finished.driver.close();
  return lines.sort();
}

holds('with crashes, lag and lost disks, all gates decide as without them (I1, I2, I4)', 40, plan, async (options) => {
  const calm = options.events.map(() => ({ silence: [], after: { kind: 'run' as const } }));
  const expected = await linesOf({ ...options, moves: calm, tuning: PLAIN, partitions: 1 });
  assert.deepEqual(await linesOf(options), expected);
});

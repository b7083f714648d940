// The gates at the match are "as now": of rules that only send, the interpreter and the engine decide alike, and send the same.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { channelTraits } from '../../../connectors/channels/index.ts';
import { checkRules } from '../../../rules/index.ts';
import { MemoryStore } from '../../../state/store/memory-store.ts';
import { Replay } from '../../../topology/replay.ts';
import { orderedEvents, rule, rulesText, shuffledWithin } from '../../property/generators.ts';
import { messageOf } from '../engine.ts';
import { interpret } from './interpreter.ts';
import { seconds } from './lines.ts';
import { OUT_OF_ORDERNESS_MS } from './random.ts';
import { fields, maybe } from './random-program.ts';
import type { FlowRule } from './rule.ts';
import type { Cap, FlowAction, FlowDecision, Story } from './story.ts';

const RUNS = Math.ceil(150 * Number(process.env['FUZZ_RUNS'] ?? 1));
/** They ask no template, no consent and no address. */
const CHANNELS = ['webhook', 'pagerduty'] as const;
const WALL = Date.UTC(9999, 0, 1);

const send = fc
  .tuple(fc.constantFrom(...CHANNELS), fc.boolean())
  .map(([channel, falls]) => ({ channel, ...(falls && { fallback: CHANNELS.filter((one) => one !== channel) }) }));

const obeyed = fields<Pick<FlowRule, 'exclusive' | 'quietHours' | 'priority' | 'category'>>({
  exclusive: maybe(fc.constant('g'), 1),
  quietHours: maybe(fc.constantFrom({ from: '00:01', to: '00:03' }, { from: '00:00', to: '00:02' }), 3),
  priority: fc.constantFrom(40, 50, 60),
  category: maybe(fc.constant('news'), 1),
});

function sendingRule(id: string): fc.Arbitrary<FlowRule> {
  const made = rule(id, { patterns: ['event', 'event', 'absence', 'count'] });
  const sends = fc.array(send, { minLength: 1, maxLength: 3 });
  return fc.tuple(made, obeyed, sends).map(([body, more, list]) => {
    const then = list.map((one) => ({ send: one }));
    return { ...body, ...more, then };
  });
}

const caps = fc.array(
  fields<Cap>({
    max: fc.integer({ min: 1, max: 4 }),
    per: fc.constantFrom('20s', '60s', 'day'),
    channel: maybe(fc.constantFrom(...CHANNELS), 1),
    category: maybe(fc.constant('news'), 2),
  }),
  { maxLength: 2 },
);

const stories = fc
  .integer({ min: 1, max: 3 })
  .chain((count) => fc.tuple(...Array.from({ length: count }, (_, index) => sendingRule(`r${index}`))))
  .chain((rules) => {
    const events = orderedEvents({ eventsMax: 40, usersMax: 2 });
    return fc.tuple(
      fc.constant(rules),
      events.chain((list) => shuffledWithin(list, OUT_OF_ORDERNESS_MS)),
      caps,
    );
  })
  .map(
    ([rules, events, capsMade]): Story => ({
      rules,
      inputs: events.map((event) => ({ kind: 'event', event })),
      endOfTime: Math.max(0, ...events.map(({ time }) => time)) + 3_600_000,
      outOfOrdernessMs: OUT_OF_ORDERNESS_MS,
      caps: capsMade,
    }),
  );

type Lines = { readonly decisions: string[]; readonly actions: string[] };

function decisionLine(
  one: Pick<FlowDecision, 'at' | 'rule' | 'outcome' | 'reason' | 'events'> & { user: string },
): string {
  return [seconds(one.at), one.user, one.rule, one.outcome, one.reason, one.events.join()].join(' ');
}

function actionLine(one: Pick<FlowAction, 'at' | 'rule' | 'channel' | 'fallback' | 'step'> & { user: string }): string {
  return [seconds(one.at), one.user, one.rule, one.step, one.channel, ...one.fallback].join(' ');
}

function byInterpreter(story: Story): Lines {
  const { decisions, actions } = interpret(story);
  return {
    decisions: decisions.map((one) => decisionLine({ ...one, user: one.entity })).sort(),
    actions: actions.map((one) => actionLine({ ...one, user: one.entity })).sort(),
  };
}

async function byEngine(story: Story): Promise<Lines> {
  const { rules, inputs, caps: capsMade = [], outOfOrdernessMs } = story;
  const context = { caps: [{ file: 'caps.yaml', text: stringify(capsMade) }] };
  const options = { outOfOrdernessMs, entities: [], channels: channelTraits({}), context };
  const { errors, ruleSet } = checkRules([{ file: 'rules.yaml', text: rulesText(rules) }], options);
  assert.deepEqual(errors, []);
  const lines: Lines = { decisions: [], actions: [] };
  const replay = await Replay.open({
    rules: ruleSet,
    inputs: [{ format: 'segment', entity: 'user' }],
    store: new MemoryStore(),
    outOfOrdernessMs,
    dedupeWindowMs: 1e12,
    dedupeMax: 1_000,
    recordBytesMax: 1_000_000,
    maxClockSkewMs: 0,
    wall: WALL,
    outputs: {
      decisions: (one) => lines.decisions.push(decisionLine({ ...one, user: one.entity.id })),
      actions: (one) => lines.actions.push(actionLine({ ...one, user: one.entity.id })),
    },
  });
  await replay.feed(
    inputs.flatMap((input, offset) => {
      if (input.kind !== 'event') return [];
      const { event } = input;
      return [{ offset, timestamp: event.time, key: null, value: Buffer.from(messageOf(event)), headers: [] }];
    }),
  );
  await replay.complete(story.endOfTime);
  replay.close();
  return { decisions: lines.decisions.sort(), actions: lines.actions.sort() };
}

it('rules that only send are decided, and send, as in the engine', () =>
  fc.assert(
    fc.asyncProperty(stories, async (story) => {
      assert.deepEqual(await byEngine(story), byInterpreter(story));
    }),
    { numRuns: RUNS },
  ));

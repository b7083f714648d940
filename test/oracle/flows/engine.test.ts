// The engine beside the interpreter: the same stories of random programs, rules and streams, decision by decision, message by message,
// record by record.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { holds } from '../../invariants/property.ts';
import { laneOf } from '../rule.ts';
import { compareFlows } from './compare.ts';
import { asEngineTells, comparable, tellByEngine } from './engine.ts';
import { interpret } from './interpreter.ts';
import { answering, type Reply, replies, type StoryOptions, stories } from './random.ts';
import type { Story } from './story.ts';

/** What a rule on arrival sets is known to rules in event-time order with its turn, to the interpreter at once. */
const setsOnArrival = ({ rules, inputs }: Story): boolean =>
  [...rules, ...inputs.flatMap((input) => (input.kind === 'rules' ? input.rules : []))].some(
    (rule) => laneOf(rule) === 'arrival' && JSON.stringify(rule.then ?? []).includes('"set"'),
  );

function agrees(what: string, options: StoryOptions, answers: fc.Arbitrary<Reply[]> = fc.constant([])): void {
  holds(what, 40, fc.tuple(stories(options), answers), async ([told, list]) => {
    fc.pre(!setsOnArrival(told));
    const story = answering(asEngineTells(told), list);
    const actual = comparable(story, await tellByEngine(story));
    assert.equal(compareFlows(comparable(story, interpret(story)), actual), null);
  });
}

const inOrder = { order: 'event-time', places: false } as const;

agrees('flows of rules in event-time order go as the interpreter says', { ...inOrder, shuffle: 'within' });
agrees('flows go as the interpreter says whatever the order of their rules', { shuffle: 'within', places: false });
agrees('flows go as the interpreter says when people answer', { ...inOrder, shuffle: 'none' }, replies);
agrees('flows go as the interpreter says while rules and consent change', { shuffle: 'none', order: 'event-time' });

// The engine beside the interpreter: the same stories of random programs, rules and streams, decision by decision, message by message,
// record by record.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
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

/** What becomes of flows whose rule is gone, and of what was read before a rule that asks for it came, is not compared. */
const removesRules = ({ rules, inputs }: Story): boolean =>
  inputs.some((input) => input.kind === 'rules' && input.rules.length !== rules.length);

/** The same runs each time, unless more are asked for. */
const FACTOR = Number(process.env['FUZZ_RUNS'] ?? 1);
const SEED = FACTOR === 1 ? { seed: 20_261_201 } : {};

function agrees(what: string, options: StoryOptions, answers: fc.Arbitrary<Reply[]> = fc.constant([])): void {
  it(what, async () => {
    const property = fc.asyncProperty(stories(options), answers, async (told, list) => {
      fc.pre(!setsOnArrival(told) && !removesRules(told));
      // Of several answers the interpreter lets time pass with each, the engine with events alone.
      const story = answering(asEngineTells(told), list.slice(0, 1));
      const actual = comparable(story, await tellByEngine(story));
      assert.equal(compareFlows(comparable(story, interpret(story)), actual), null);
    });
    await fc.assert(property, { numRuns: Math.ceil(40 * FACTOR), ...SEED });
  });
}

const inOrder = { order: 'event-time', places: false } as const;

agrees('flows of rules in event-time order go as the interpreter says', { ...inOrder, shuffle: 'within' });
agrees('flows go as the interpreter says whatever the order of their rules', { shuffle: 'within', places: false });
agrees('flows go as the interpreter says when people answer', { ...inOrder, shuffle: 'none' }, replies);
agrees('flows go as the interpreter says while rules and consent change', { shuffle: 'none', order: 'event-time' });

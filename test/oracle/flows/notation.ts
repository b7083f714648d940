// How cases of flows are written: inputs as lines where a line does, expectations as in lines.ts.
//
//   event    `0 u1 add m1 cart=c1`               as in ../notation.ts
//   answer   `30 u1 answers cart/m1 edit coupon=X`  what follows the answer is data
//   consent  `u1 says sms=false`                 channels, `all`, and categories written `category:promotions=false`
//   wall     `wall 100`                          seconds
//   rules    { rules: YAML }

import { parseAllDocuments } from 'yaml';
import { parseEvent, timeOf } from '../notation.ts';
import { interpret } from './interpreter.ts';
import type { FlowRule } from './rule.ts';
import type { FlowAnswer, Input, Story } from './story.ts';

export interface FlowCase {
  readonly name: string;
  readonly rules: string;
  readonly inputs: readonly (string | { readonly rules: string })[];
  /** Stream time at the end, seconds. */
  readonly end: number;
  /** Seconds; default 5. */
  readonly outOfOrderness?: number;
  readonly story?: Partial<Story>;
  /** Those that are left out are not compared. */
  readonly decisions?: readonly string[];
  readonly flows?: readonly string[];
  readonly actions?: readonly string[];
  readonly late?: readonly string[];
}

export function parseRules(text: string): FlowRule[] {
  return parseAllDocuments(text).map((document) => document.toJS());
}

export function play({ rules, inputs, end, outOfOrderness = 5, story = {} }: FlowCase): FlowAnswer {
  return interpret({
    rules: parseRules(rules),
    inputs: inputs.map(parseInput),
    endOfTime: timeOf(end),
    outOfOrdernessMs: outOfOrderness * 1_000,
    ...story,
  });
}

function parseInput(input: string | { readonly rules: string }): Input {
  if (typeof input !== 'string') return { kind: 'rules', rules: parseRules(input.rules) };
  const [first, second, third, fourth, fifth, ...rest] = input.split(' ');
  if (first === 'wall') return { kind: 'wall', time: timeOf(Number(second)) };
  if (second === 'says') return consent(first!, input.split(' ').slice(2));
  if (third !== 'answers') return { kind: 'event', event: parseEvent(input) };
  const data = Object.fromEntries(rest.map((one) => one.split('=')));
  const answer = fifth as 'approve' | 'edit' | 'reject';
  return { kind: 'answer', entity: second!, time: timeOf(Number(first)), of: fourth!, answer, data };
}

function consent(entity: string, words: readonly string[]): Input {
  const said = words.map((word) => word.split('=') as [string, string]);
  const all = said.find(([what]) => what === 'all');
  const named = (isCategory: boolean): Record<string, boolean> =>
    Object.fromEntries(
      said
        .filter(([what]) => what !== 'all' && what.startsWith('category:') === isCategory)
        .map(([what, value]) => [what.replace('category:', ''), value === 'true']),
    );
  return {
    kind: 'consent',
    entity,
    ...(all !== undefined && { all: all[1] === 'true' }),
    categories: named(true),
    channels: named(false),
  };
}

import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { matchesOf } from '../oracle/patterns.ts';
import { check } from '../rules/kit.ts';
import { orderedEvents, rulesText } from './generators.ts';
import { sequenceBody } from './sequence-bodies.ts';

it('random sequences are valid in the rule language', () => {
  fc.assert(
    fc.property(sequenceBody(), (sequence) => {
      assert.deepEqual(check(rulesText([{ id: 'r', when: { sequence } }])).errors, []);
    }),
    { numRuns: 300 },
  );
});

it('sequences and events meet: every part of the language stands in sequences that match', () => {
  const tallies = new Map<string, number>();
  const tally = (what: string): unknown => tallies.set(what, (tallies.get(what) ?? 0) + 1);
  const events = orderedEvents({ eventsMax: 11, usersMax: 1, repeats: false });
  for (const [sequence, stream] of fc.sample(fc.tuple(sequenceBody(), events), { numRuns: 2_000, seed: 1 })) {
    if (matchesOf({ id: 'r', when: { sequence } }, stream).length === 0) continue;
    const { steps, until, skip, within, by } = sequence;
    const parts = { until, skip, within, by };
    for (const [name, value] of Object.entries(parts)) if (value !== undefined) tally(name);
    for (const [at, step] of steps.entries()) {
      for (const name of Object.keys(step)) tally(name);
      if (step.next !== undefined) tally(`next ${step.next}`);
      if (step.times?.next !== undefined) tally(`times ${step.times.next}`);
      if (step.not !== undefined) tally(at === steps.length - 1 ? 'not last' : 'not between');
    }
  }
  const parts = ['until', 'skip', 'within', 'by', 'where', 'times', 'optional', 'greedy', 'not last', 'not between'];
  for (const what of [...parts, 'next strict', 'next any', 'times strict', 'times any']) {
    assert.ok((tallies.get(what) ?? 0) >= 20, `${what} came up ${tallies.get(what) ?? 0} times`);
  }
});

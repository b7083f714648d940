import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FLINK_CASES } from './flink/cases.ts';
import { eventsOf, type FlinkCase, matchesIn, ruleOf } from './flink/notation.ts';
import { matchesOf } from './patterns.ts';

function matches(one: FlinkCase): string[] {
  const events = eventsOf(one);
  const end = events.at(-1)!.time;
  const found = matchesOf(ruleOf(one), events).filter((match) => !match.due || match.at <= end);
  return found.map((match) => match.events.join(' ')).sort();
}

describe("the oracle on Flink CEP's public tests", () => {
  for (const one of FLINK_CASES) {
    const { ours } = one;
    const isRefused = ours !== undefined && 'refused' in ours;
    if (one.engineOnly === true || isRefused) continue;
    it(`${one.source}: ${one.steps}`, () => assert.deepEqual(matches(one), matchesIn(ours?.matches ?? one.flink)));
  }
});

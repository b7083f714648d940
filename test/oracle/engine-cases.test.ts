import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CASES } from './cases.ts';
import { decideByEngine } from './engine.ts';
import { decisionLine, parseEvent, timeOf } from './notation.ts';

describe('the engine', () => {
  for (const one of CASES) {
    it(one.name, async () => {
      const answer = await decideByEngine(one.rules, {
        events: one.events.map(parseEvent),
        endOfTime: timeOf(one.end),
        outOfOrdernessMs: (one.outOfOrderness ?? 5) * 1_000,
        dedupeWindowMs: (one.dedupeWindow ?? 86_400) * 1_000,
        dedupeMax: one.dedupeMax ?? 1_000,
      });
      assert.deepEqual(answer.decisions.map(decisionLine), one.expect);
      assert.deepEqual(
        answer.late.map((late) => late.messageId),
        one.late ?? [],
      );
    });
  }
});

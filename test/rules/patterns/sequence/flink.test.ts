import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Event } from '../../../../schemas/event.ts';
import { FLINK_CASES } from '../../../oracle/flink/cases.ts';
import { eventsOf, type FlinkCase, matchesIn, ruleOf } from '../../../oracle/flink/notation.ts';
import type { OracleEvent } from '../../../oracle/oracle.ts';
import { rulesText } from '../../../property/generators.ts';
import { check, PatternRun } from '../../kit.ts';

function eventOf({ messageId, event, time, properties, userId }: OracleEvent): Event {
  return new Event({ messageId, type: 'track', event, userId, anonymousId: null, time, properties });
}

function matchesOf(one: FlinkCase): string[] {
  const { rules, errors } = check(rulesText([ruleOf(one)]));
  assert.deepEqual(errors, []);
  const events = eventsOf(one).map(eventOf);
  const run = new PatternRun(rules[0]!).seeInOrder(...events).passTo(events.at(-1)!.time);
  return run.matches.map((match) => match.events.join(' ')).sort();
}

describe("Flink CEP's public tests", () => {
  for (const one of FLINK_CASES) {
    const { ours } = one;
    it(`${one.source}: ${one.steps}${ours === undefined ? '' : `, differs: ${ours.why}`}`, () => {
      if (ours !== undefined && 'refused' in ours) {
        const messages = check(rulesText([ruleOf(one)])).errors.map((error) => error.message);
        assert.deepEqual(messages, [ours.refused]);
        return;
      }
      assert.deepEqual(matchesOf(one), matchesIn(ours?.matches ?? one.flink));
    });
  }

  it('are at least 80, each with a name of its own, and differ only where it says so', () => {
    assert.ok(FLINK_CASES.length >= 80);
    assert.equal(new Set(FLINK_CASES.map((one) => one.source)).size, FLINK_CASES.length);
    for (const { ours, flink, source } of FLINK_CASES) {
      if (ours !== undefined && 'matches' in ours)
        assert.notDeepEqual(matchesIn(ours.matches), matchesIn(flink), source);
    }
  });
});

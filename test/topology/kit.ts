// What the tests of the whole topology share: what came out of a run, in lines, and what must hold of all of it.

import assert from 'node:assert/strict';
import { CHANNEL_IDS } from '../../connectors/channels/index.ts';
import type { Action } from '../../schemas/action.ts';
import type { DeadLetter } from '../../schemas/dead-letter.ts';
import type { Decision } from '../../schemas/decision.ts';
import { actionCodec, deadLetterCodec, decisionCodec, type Late, lateCodec } from '../../schemas/framed.ts';
import type { LogRecord } from '../../schemas/record.ts';
import type { TestDriver } from '../../testing/test-driver.ts';

export interface Written {
  readonly decisions: readonly Decision[];
  readonly actions: readonly Action[];
  readonly late: readonly Late[];
  readonly deadLetters: readonly DeadLetter[];
}

/**
 * All that was written since the last call, over all channels. Fails unless every record is keyed by its entity and names
 * its decision, every action lies on the topic of its channel, and belongs to a decision among them that fired.
 */
export async function written(driver: TestDriver): Promise<Written> {
  const decisions = await valuesOf(driver, 'tripline.decisions', (record) => {
    const decision = decisionCodec.decode(record.value!);
    assert.deepEqual(labelsOf(record), [decision.entity.id, decision.id]);
    return decision;
  });
  const fired = new Map(decisions.filter(({ outcome }) => outcome === 'fired').map((one) => [one.id, one]));
  const actions: Action[] = [];
  for (const channel of CHANNEL_IDS) {
    const ofChannel = await valuesOf(driver, `actions.${channel}`, (record) => {
      const action = actionCodec.decode(record.value!);
      const its = fired.get(action.decision);
      assert.ok(its !== undefined, `an action of ${action.rule} has no decision that fired`);
      assert.equal(placeOf(action), placeOf(its));
      assert.deepEqual(labelsOf(record), [action.entity.id, action.decision]);
      assert.equal(action.channel, channel);
      return action;
    });
    actions.push(...ofChannel);
  }
  assert.equal(new Set(actions.map(({ id }) => id)).size, actions.length, 'each action has an id of its own');
  return {
    decisions,
    actions,
    late: await valuesOf(driver, 'tripline.late', ({ value }) => lateCodec.decode(value!)),
    deadLetters: await valuesOf(driver, 'tripline.dead-letter', ({ value }) => deadLetterCodec.decode(value!)),
  };
}

function placeOf({ rule, ruleVersion, entity, at }: Action | Decision): string {
  return `${rule} ${ruleVersion} ${entity.type}/${entity.id}@${at}`;
}

async function valuesOf<Value>(
  driver: TestDriver,
  topic: string,
  read: (record: LogRecord) => Value,
): Promise<readonly Value[]> {
  return (await driver.log.admin.topics()).has(topic) ? (await driver.read(topic)).map(read) : [];
}

/** Its key, and the decision that its headers name. */
function labelsOf({ key, headers }: LogRecord): (string | null)[] {
  const decision = headers.find(([name]) => name === 'tripline-decision-id');
  return [key, decision?.[1] ?? null].map((bytes) => bytes && Buffer.from(bytes).toString());
}

/** `rule entity reason` of each, in order of text: tasks write side by side. */
export function lines(decisions: readonly Decision[]): string[] {
  return decisions.map(({ rule, entity, reason }) => `${rule} ${entity.type}/${entity.id} ${reason ?? 'fired'}`).sort();
}

/** `rule channel to entity` of each with its data, in order of text. */
export function sends(actions: readonly Action[]): string[] {
  return actions
    .map(
      ({ rule, channel, entity, data }) => `${rule} ${channel} to ${entity.type}/${entity.id} ${JSON.stringify(data)}`,
    )
    .sort();
}

// I2 and I3: whatever the engine goes through, what it decides in the end is what the oracle says, each match once.

import assert from 'node:assert/strict';
import { decisionOf, sorted } from '../oracle/engine.ts';
import { decide } from '../oracle/oracle.ts';
import { anyAct, DEDUPE, decisionsOf, type Finished, mostlyLag, OUT_OF_ORDERNESS_MS, outputsOf, play } from './live.ts';
import { anySources, oneSource, type Plan, plans, sending } from './plans.ts';
import { holds } from './property.ts';

function oracle({ rules, events }: Plan, { endOfTime }: Finished) {
  return decide({ rules, events, endOfTime, outOfOrdernessMs: OUT_OF_ORDERNESS_MS, ...DEDUPE });
}

async function agrees(plan: Plan): Promise<void> {
  const finished = await play(sending(plan));
  const decisions = await decisionsOf(finished);
  assert.deepEqual(sorted(decisions.map(decisionOf)), oracle(plan, finished).decisions);
  assert.deepEqual([...(await outputsOf(finished.driver, (topic) => topic === 'tripline.late')).keys()], []);
  await finished.driver.close();
}

holds(
  'with crashes, lag and lost disks, arrival and event-time rules decide as the oracle does (I2)',
  60,
  plans({ act: anyAct, shuffle: 'within', shape: oneSource }),
  agrees,
);

holds(
  'each match of the oracle is one decision, fired or with the reason of its gate, under an id of its own (I2)',
  60,
  plans({ act: anyAct, shuffle: 'within', shape: oneSource }),
  async (plan) => {
    const finished = await play(sending(plan));
    const decisions = await decisionsOf(finished);
    const ungated = plan.rules.map(({ id, when, order }) => ({ id, when, ...(order !== undefined && { order }) }));
    const matches = oracle({ ...plan, rules: ungated }, finished).decisions;
    const nameOf = ({ rule, entity, at, events }: (typeof matches)[number]) => [rule, entity, at, ...events].join(' ');
    assert.deepEqual(decisions.map(decisionOf).map(nameOf).sort(), matches.map(nameOf).sort());
    assert.equal(new Set(decisions.map(({ id }) => id)).size, decisions.length);
    for (const { outcome, reason } of decisions) assert.equal(outcome === 'fired', reason === null);
    await finished.driver.close();
  },
);

holds(
  'no absence fires while an event that would cancel it is in any input, over lag, downtime, partitions and sources (I3)',
  150,
  plans({
    rules: { patterns: ['absence', 'inactive'], order: 'event-time' },
    stream: { eventsMax: 40, usersMax: 2 },
    act: mostlyLag,
    shuffle: 'within',
    shape: anySources,
  }),
  agrees,
);

holds(
  'the order of arrival within outOfOrderness makes no difference to event-time rules (I3)',
  40,
  plans({ rules: { order: 'event-time' }, act: anyAct, shuffle: 'within', shape: anySources }),
  agrees,
);

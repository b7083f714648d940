// I6: no input record stops the flow or vanishes.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { deadLetterCodec, lateCodec } from '../../schemas/framed.ts';
import { rulesText, START } from '../property/generators.ts';
import { anyAct, decisionsOf, outputsOf, play, topicOf } from './live.ts';
import { oneSource, plans } from './plans.ts';
import { holds } from './property.ts';

/** Sees every event at once, and so makes one decision of each that is accepted. */
const EVERY = `id: every\norder: arrival\nwhen: { event: "*" }`;

/** Replaced by an id of its own, so that no garbage that is an event after all is a duplicate. */
const OWN_ID = 'own-id';

const message = { type: 'track', messageId: OWN_ID, userId: 'u1', event: 'add', timestamp: START };
const wrong = fc.oneof(
  fc.constantFrom(null, '', '{', 'null', '[]', '"text"', '7', '\u0000', 'x'.repeat(10_001)),
  fc.string(),
  fc.json(),
  fc
    .record(
      {
        type: fc.oneof(fc.constant('wrong'), fc.jsonValue()),
        event: fc.constantFrom('', null, 7, 'x'.repeat(600)),
        userId: fc.constantFrom('', 7, {}, 'x'.repeat(600)),
        timestamp: fc.constantFrom('yesterday', -1, 1.5, null, 9e15, {}),
        properties: fc.constantFrom(7, 'text', []),
        messageId: fc.constantFrom('', 7, []),
      },
      { requiredKeys: [] },
    )
    .map((fields) => JSON.stringify({ ...message, ...fields })),
);
const other = fc.record({ key: fc.oneof(fc.constantFrom('u1', null), fc.string({ minLength: 1 })), value: wrong });

const plan = plans({ act: anyAct, shuffle: 'beyond', shape: oneSource }).chain((plan) => {
  const length = plan.events.length;
  return fc.array(fc.option(other), { minLength: length, maxLength: length }).map((others) => {
    const entries = others.flatMap((one, place) => (one === null ? [] : [[place, withId(one, `g${place}`)] as const]));
    return { ...plan, others: new Map(entries) };
  });
});

function withId<Other extends { value: string | null }>(other: Other, id: string): Other {
  return { ...other, value: other.value?.replace(OWN_ID, id) ?? null };
}

holds(
  'every record read is one event, one duplicate or one dead letter, and an event is late once (I6)',
  80,
  plan,
  async (plan) => {
    const finished = await play({ ...plan, rules: `${EVERY}\n---\n${rulesText(plan.rules)}` });
    const { driver } = finished;
    const valuesOf = async <Value>(name: string, decode: (bytes: Uint8Array) => Value): Promise<Value[]> => {
      const records = [...(await outputsOf(driver, (topic) => topic === name)).values()].flat();
      return records.map(({ value }) => decode(value!));
    };
    const inputs = await valuesOf(topicOf(0), String);
    const letters = await valuesOf('tripline.dead-letter', deadLetterCodec.decode);
    const refused = letters.map(({ topic, partition, offset }) => `${topic}/${partition}/${offset}`);
    assert.equal(new Set(refused).size, refused.length, 'a record has two dead letters');

    const accepted = (await decisionsOf(finished))
      .filter(({ rule }) => rule === 'every')
      .flatMap(({ events }) => events);
    assert.equal(new Set(accepted).size, accepted.length, 'an event was seen twice');
    const own = new Set(plan.events.map(({ messageId }) => messageId));
    assert.deepEqual(new Set(accepted.filter((id) => own.has(id))), own, 'an event was not seen');
    const duplicates = plan.events.length - own.size;
    assert.equal(accepted.length + duplicates + refused.length, inputs.length, 'a record vanished');

    const late = (await valuesOf('tripline.late', lateCodec.decode)).map(({ messageId }) => messageId);
    assert.equal(new Set(late).size, late.length, 'an event is late twice');
    await driver.close();
  },
);

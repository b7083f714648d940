// I6: no input record stops the flow or vanishes.

import assert from 'node:assert/strict';
import { deadLetterCodec, lateCodec } from '../../schemas/framed.ts';
import { rulesText } from '../property/generators.ts';
import { withGarbage } from './garbage.ts';
import { anyAct, decisionsOf, outputsOf, play, topicOf } from './live.ts';
import { oneSource, plans } from './plans.ts';
import { holds } from './property.ts';

/** Sees every event at once, and so makes one decision of each that is accepted. */
const EVERY = `id: every\norder: arrival\nwhen: { event: "*" }`;

const plan = withGarbage(plans({ act: anyAct, shuffle: 'beyond', shape: oneSource }));

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

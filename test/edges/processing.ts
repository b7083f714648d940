// Faults of what happens within a task: decoding, evaluating, deadlines, expressions, connectors.

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { Deliver } from '../../connectors/channels/delivery/deliver.ts';
import { RetryableError } from '../../lib/errors.ts';
import { Evaluation } from '../../processors/evaluate/evaluation.ts';
import { Intake } from '../../processors/intake/intake.ts';
import type { Message, SourceRecord } from '../../state/processor.ts';
import type { Injections } from './injections.ts';
import { HOUR, inMethod, type OpenJob, openJob } from './job.ts';

const MIB = 1024 * 1024;

/** Of the evaluation of an entity. */
function isOf(user: string): (self: unknown) => boolean {
  return (self) => (self as { readonly entity: { readonly id: string } }).entity.id === user;
}

/** Of the record that a processor is given. */
function keyOf(message: unknown): string {
  return Buffer.from((message as Message<SourceRecord>).value.record.key ?? []).toString();
}

/** Rules and channels have served the entity as if nothing had been, and what failed is in the dead letters with this code. */
async function isBuried(job: OpenJob, code: string, user = 'p1'): Promise<void> {
  await job.until(() => job.deadLetters.length === 1, 'the record is a dead letter');
  assert.equal(job.deadLetters[0]!.reason, code);
  assert.deepEqual(
    job.decisions.filter(({ entity }) => entity.id === user),
    [],
  );
}

export const decode: Injections = {
  async throws(t) {
    const job = await openJob(t);
    await job.send({ key: 'p1', value: '{"type":"track"' }, job.event('p2', 'bought'));
    await isBuried(job, 'TRG_RECORD_UNREADABLE');
    await job.until(() => job.outcomes('p2').length === 2, 'the record behind it is processed');
    // A bug of decoding, for that record alone.
    inMethod(t, Intake.prototype, 'process', (_, [message]) => {
      if (keyOf(message) === 'p3') throw new TypeError('a bug');
    });
    await job.send(job.event('p3', 'bought'), job.event('p4', 'bought'));
    await job.until(() => job.outcomes('p4').length === 2, 'the record behind a bug is processed');
    assert.deepEqual(
      job.deadLetters.map(({ reason }) => reason),
      ['TRG_RECORD_UNREADABLE', 'TRG_INTERNAL'],
    );
    assert.deepEqual(job.outcomes('p3'), []);
    await job.goesOn();
  },
  async 'too large'(t) {
    const job = await openJob(t, { recordBytesMax: 2 * MIB });
    await job.send(job.event('p1', 'bought', { text: 'x'.repeat(MIB) }), job.event('p2', 'bought'));
    await isBuried(job, 'TRG_RECORD_TOO_LARGE');
    await job.send(job.event('p1', 'bought', { text: 'x'.repeat(3 * MIB) }));
    await job.until(() => job.deadLetters.length === 2, 'what no log of ours takes is a dead letter too');
    const [, { value, message }] = job.deadLetters as readonly [unknown, { value: unknown; message: string }];
    assert.equal(value, null);
    assert.match(message, /it is not kept/);
    assert.deepEqual(job.faults, []);
    await job.goesOn();
  },
};

export const evaluate: Injections = {
  async throws(t) {
    const job = await openJob(t);
    inMethod(t, Evaluation.prototype, 'take', (self) => {
      if (isOf('p1')(self)) throw new TypeError('a bug that quotes somebody@example.com');
    });
    await job.send(job.event('p1', 'bought'), job.event('p2', 'bought'));
    await isBuried(job, 'TRG_INTERNAL');
    assert.doesNotMatch(job.deadLetters[0]!.message, /somebody/);
    await job.until(() => job.outcomes('p2').length === 2, 'the record behind it is processed');
    assert.equal(job.faults.length, 1, 'the first of a process costs a restart');
    await job.send(job.event('p1', 'bought'));
    await job.until(() => job.deadLetters.length === 2, 'and each after it a dead letter');
    assert.equal(job.faults.length, 1);
    await job.goesOn();
  },
  async 'too large'(t) {
    const rules = `id: copies
when: { event: told }
then: [{ send: { channel: one, data: { text: event.properties.text } } }]
`;
    const job = await openJob(t, { rules, recordBytesMax: 100_000 });
    const text = 'x'.repeat(60_000);
    await job.send(job.event('p1', 'told', { text }), job.event('p2', 'told', { text: 'short' }));
    await isBuried(job, 'TRG_RECORD_TOO_LARGE');
    await job.until(() => job.outcomes('p2').length === 1, 'the record behind it is processed');
    await job.send(job.event('p1', 'bought'));
    await job.until(() => job.outcomes('p1').length === 2, 'the same person is served again');
    await job.goesOn();
  },
};

const WAITS = `id: waits
when: { absence: { after: { event: looked, as: seen }, of: { event: bought }, within: 1h } }
then: [{ send: { channel: one, data: { text: seen.properties.text } } }]
`;

async function deadlineFails(job: OpenJob, bad: object, good: object): Promise<void> {
  await job.send(job.event('p1', 'looked', bad), job.event('p2', 'looked', good));
  await job.until(() => job.driver.streamTime > 0, 'they have been looked at');
  await job.clock.advance(2 * HOUR);
  await job.until(() => job.outcomes('p2').length === 1, 'the deadline of somebody else is met');
  assert.deepEqual(job.outcomes('p1'), []);
  assert.deepEqual(job.deadLetters, []);
  assert.ok(Object.keys(job.driver.counters.toJSON()).some((name) => name.startsWith('deadline-failed')));
  await job.goesOn();
}

export const deadline: Injections = {
  async throws(t) {
    const job = await openJob(t, { rules: WAITS });
    inMethod(t, Evaluation.prototype, 'pass', (self) => {
      if (isOf('p1')(self)) throw new RangeError('a bug');
    });
    await deadlineFails(job, { text: '' }, { text: '' });
    assert.equal(job.faults.length, 1);
  },
  async 'too large'(t) {
    const job = await openJob(t, { rules: WAITS, recordBytesMax: 100_000 });
    await deadlineFails(job, { text: 'x'.repeat(60_000) }, { text: 'short' });
  },
};

const CONDITION = (condition: string): string => `id: asks
when: { event: told }
if: ${condition}
then: [{ send: { channel: one } }]
---
id: asks-nothing
when: { event: told }
then: [{ send: { channel: two } }]
`;

/** The rule that asks does not fire for who meets the fault, the other does, and it is counted. */
async function isFalse(t: TestContext, condition: string, bad: object, good: object): Promise<void> {
  const job = await openJob(t, { rules: CONDITION(condition) });
  await job.send(job.event('p1', 'told', bad), job.event('p2', 'told', good));
  await job.until(() => job.outcomes('p2').length === 2, 'the next event is evaluated');
  assert.deepEqual(job.outcomes('p1'), ['two delivered']);
  assert.equal(job.driver.counters.toJSON()['expression-failed{rule=asks}'], 1);
  assert.deepEqual([job.faults, job.deadLetters], [[], []]);
  await job.goesOn();
}

const ALL_IN_ALL = 'event.properties.tags.all(tag, tag in event.properties.tags)';

export const expression: Injections = {
  throws: (t) => isFalse(t, 'event.properties.amount > 5', { amount: 'much' }, { amount: 6 }),
  hangs: (t) => isFalse(t, ALL_IN_ALL, { tags: new Array(60_000).fill('a') }, { tags: ['a', 'b'] }),
  'too large': (t) =>
    isFalse(
      t,
      'event.properties.words.exists(word, event.properties.text.contains(word))',
      { text: 'x'.repeat(500_000), words: new Array(1_000).fill('absent') },
      { text: 'xy', words: ['y'] },
    ),
};

export const connector: Injections = {
  async throws(t) {
    const job = await openJob(t);
    inMethod(t, Deliver.prototype, 'process', (_, [message]) => {
      const { topic } = (message as Message<SourceRecord>).value;
      if (topic === 'actions.one' && keyOf(message) === 'p1') throw new TypeError('a bug');
    });
    await job.send(job.event('p1', 'bought'), job.event('p2', 'bought'));
    await job.until(() => job.outcomes('p2').length === 2, 'the action behind it is delivered');
    await job.until(() => job.outcomes('p1').length === 1, 'the other channel delivers');
    assert.deepEqual(job.outcomes('p1'), ['two delivered']);
    assert.deepEqual(
      job.deadLetters.map(({ topic, reason }) => [topic, reason]),
      [['actions.one', 'TRG_INTERNAL']],
    );
    assert.deepEqual(
      job.faults.map((error) => error instanceof RetryableError && error.code),
      ['TRG_INTERNAL'],
    );
    await job.goesOn();
  },
  async 'too large'(t) {
    // A record of somebody else that is no action, and whose dead letter no log takes.
    const job = await openJob(t, { recordBytesMax: 100_000 });
    await job.driver.pipe('actions.one', { key: 'p1', value: Buffer.alloc(120_000, 7) });
    await job.until(() => job.deadLetters.length === 1, 'it is a dead letter all the same');
    assert.equal(job.deadLetters[0]!.value, null);
    assert.equal(job.deadLetters[0]!.topic, 'actions.one');
    assert.equal(job.faults.length, 1);
    await job.goesOn();
  },
};

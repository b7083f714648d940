// A small run that dies at every single call of log and store in turn: the same outputs, and a journal that gives them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decisionCodec } from '../../schemas/framed.ts';
import { replayJournal } from '../../testing/journal-replay.ts';
import { parseEvent } from '../oracle/notation.ts';
import { APPLICATION, type LiveOptions, type Move, OUT_OF_ORDERNESS_MS, outputsOf, PLAIN, play } from './live.ts';

const LEFT = '{ id: left, when: { absence: { after: { event: add }, of: { event: buy }, within: 60s } } }';
const BOUGHT = '{ id: bought, when: { event: buy }, then: [{ send: { channel: webhook } }] }';
const GATHERED =
  '{ id: gathered, when: { event: add }, then: [{ send: { channel: webhook, digest: { window: 20s, first: true } } }] }';
/** Several entities come due in one step; then comes what is late if, and only if, they were handed out before it. */
const EVENTS = [
  '0 u1 add a',
  '0 u2 add b',
  '0 u3 add c',
  '9 u3 add h',
  '200 u4 add d',
  '30 u2 buy e',
  '30 u3 buy f',
  '40 u1 buy g',
];
/** Fewer calls than an undisturbed run makes: what a sweep must reach at least to have come through its commits. */
const CALLS_MIN = 25;

const lag: Move = { silence: [], after: { kind: 'lag' } };

/** All eight events wait in the log when the engine starts; it dies at its n-th call. */
function dyingAt(calls: number, when: 'before' | 'after'): LiveOptions {
  return {
    rules: [LEFT, BOUGHT, GATHERED].join('\n---\n'),
    events: EVENTS.map(parseEvent),
    moves: [...EVENTS.slice(1).map(() => lag), { silence: [], after: { kind: 'die', calls, when, lose: false } }],
    // A commit after every document, also amid what one record made due.
    tuning: { ...PLAIN, dirtyBytesMax: 1 },
  };
}

const wanted = (topic: string): boolean => topic.startsWith('tripline.') || topic.startsWith('actions.');

function bytesOf(outputs: ReadonlyMap<string, readonly { value: Uint8Array | null }[]>): object {
  const named = [...outputs].filter(([where]) => wanted(where));
  return Object.fromEntries(
    named.map(([where, records]) => [where, records.map(({ value }) => Buffer.from(value!).toString('hex'))]),
  );
}

test('a run that dies at any call writes what an undisturbed one does, and its journal gives the same (I1)', async () => {
  const straight = await play(dyingAt(Number.POSITIVE_INFINITY, 'before'));
  const outputs = await outputsOf(straight.driver, wanted);
  const expected = bytesOf(outputs);
  const decided = outputs.get('tripline.decisions/0')!.map(({ value }) => decisionCodec.decode(value!));
  assert.deepEqual(
    decided.flatMap(({ rule, entity, digest }) => (digest === null ? [] : [[rule, entity.id, digest.items]])),
    [['gathered', 'u3', 1]],
  );
  assert.deepEqual(Object.keys(expected), ['tripline.decisions/0', 'actions.webhook/0', 'tripline.late/0']);
  assert.equal(straight.driver.lives, 1);
  let calls = 0;
  for (let died = true; died; calls++) {
    for (const when of ['before', 'after'] as const) {
      const { driver, topology } = await play(dyingAt(calls, when));
      const { log } = driver;
      died = driver.lives === 2;
      assert.deepEqual(bytesOf(await outputsOf(driver, wanted)), expected, `dead ${when} call ${calls}`);
      const settings = { log, topology: topology(), application: APPLICATION, outOfOrdernessMs: OUT_OF_ORDERNESS_MS };
      assert.deepEqual(bytesOf(await replayJournal(settings)), expected, `journal, dead ${when} call ${calls}`);
      await driver.close();
    }
  }
  assert.ok(calls > CALLS_MIN, `the run made only ${calls} calls`);
  await straight.driver.close();
});

// Faults of the log and of state.

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { RetryableError } from '../../lib/errors.ts';
import type { KeyValueStore } from '../../state/store/api.ts';
import { MemoryStore } from '../../state/store/memory-store.ts';
import type { Injections } from './injections.ts';
import { logAround, type OpenJob, openJob } from './job.ts';

const away = (): RetryableError => new RetryableError('TRG_LOG_UNREACHABLE', 'the log is away');

/** Meets the fault a few times, and then no more. */
function afterwards(times: number, meets: () => Promise<void>): { begin(): void; call(): Promise<void> | undefined } {
  let left = 0;
  return {
    begin: () => {
      left = times;
    },
    call: () => (left-- > 0 ? meets() : undefined),
  };
}

/** What was not committed is done again, once. */
async function startsAgain(job: OpenJob, begin: () => void): Promise<void> {
  await job.goesOn();
  begin();
  await job.send(job.event('p1', 'bought'));
  await job.until(() => job.outcomes('p1').length === 2, 'it is done in another life');
  assert.equal(job.faults.length, 2);
  assert.deepEqual(job.outcomes('p1'), ['one delivered', 'two delivered']);
  assert.equal(job.decisions.filter(({ entity }) => entity.id === 'p1').length, 2, 'nothing is there twice');
  assert.deepEqual(job.deadLetters, []);
  await job.goesOn();
}

async function commits(t: TestContext, meets: () => Promise<void>): Promise<void> {
  const { begin, call } = afterwards(2, meets);
  await startsAgain(await openJob(t, { around: (log) => logAround(log, { commit: call }) }), begin);
}

async function reads(t: TestContext, meets: () => Promise<void>): Promise<void> {
  const { begin, call } = afterwards(2, meets);
  await startsAgain(await openJob(t, { around: (log) => logAround(log, { read: call }) }), begin);
}

export const publish: Injections = {
  throws: (t) =>
    commits(t, () => {
      throw away();
    }),
  rejects: (t) => commits(t, () => Promise.reject(away())),
  async hangs(t) {
    const ended = Promise.withResolvers<void>();
    const { begin, call } = afterwards(1, () => ended.promise);
    const job = await openJob(t, { around: (log) => logAround(log, { commit: call }) });
    await job.goesOn();
    const before = job.driver.counters.toJSON()['decision{rule=first,outcome=fired}']!;
    begin();
    await job.send(job.event('p1', 'bought'));
    await job.driver.poll();
    await job.send(job.event('p2', 'bought'));
    for (let turn = 0; turn < 5; turn++) await job.driver.poll();
    assert.equal(job.driver.counters.toJSON()['decision{rule=first,outcome=fired}'], before + 2, 'steps go on');
    ended.resolve();
    await job.until(() => job.outcomes('p1').length + job.outcomes('p2').length === 4, 'all is committed');
    assert.deepEqual(job.faults, []);
    await job.goesOn();
  },
  'too large': {
    file: 'test/apps/worker/acls.test.ts',
    test: 'a record that a topic does not take ends the worker with',
  },
};

export const read: Injections = {
  throws: (t) =>
    reads(t, () => {
      throw away();
    }),
  rejects: (t) => reads(t, () => Promise.reject(away())),
  async hangs(t) {
    const ended = Promise.withResolvers<void>();
    const { begin, call } = afterwards(1, () => ended.promise);
    const job = await openJob(t, { around: (log) => logAround(log, { read: call }) });
    await job.goesOn();
    begin();
    await job.send(job.event('p1', 'bought'));
    const polled = job.driver.poll();
    await job.clock.advance(60_000);
    assert.deepEqual(job.outcomes('p1'), []);
    ended.resolve();
    await polled;
    await job.until(() => job.outcomes('p1').length === 2, 'it goes on where it waited');
    assert.deepEqual(job.faults, []);
  },
  async 'too large'(t) {
    const job = await openJob(t);
    // Beyond what is fetched at a time.
    await job.send(job.event('p1', 'bought', { text: 'x'.repeat(5_000_000) }), job.event('p2', 'bought'));
    await job.until(() => job.outcomes('p2').length === 2, 'the record behind it is read');
    assert.deepEqual(
      job.deadLetters.map(({ reason }) => reason),
      ['TRG_RECORD_TOO_LARGE'],
    );
  },
};

async function opens(t: TestContext, meets: () => Promise<void> | undefined): Promise<OpenJob> {
  const stores = new Map<string, KeyValueStore>();
  const job = await openJob(t, {
    async openStore(task) {
      await meets();
      const store = stores.get(task) ?? new MemoryStore();
      stores.set(task, store);
      return store;
    },
  });
  return job;
}

async function opensAgain(t: TestContext, meets: () => Promise<void>): Promise<void> {
  const { begin, call } = afterwards(2, meets);
  begin();
  const job = await opens(t, call);
  await job.send(job.event('p1', 'bought'));
  await job.until(() => job.outcomes('p1').length === 2, 'its state is open in another life');
  // Tasks are opened side by side: both may fail in one life.
  assert.ok(job.faults.length >= 1);
  await job.goesOn();
}

const noState = (): RetryableError => new RetryableError('TRG_STATE_UNWRITABLE', 'the disk is full');

export const restore: Injections = {
  throws: (t) =>
    opensAgain(t, () => {
      throw noState();
    }),
  rejects: (t) => opensAgain(t, () => Promise.reject(noState())),
  async hangs(t) {
    const ended = Promise.withResolvers<void>();
    const { begin, call } = afterwards(1, () => ended.promise);
    begin();
    const job = await opens(t, call);
    await job.send(job.event('p1', 'bought'));
    const polled = job.driver.poll();
    await job.clock.advance(60_000);
    assert.deepEqual(job.outcomes('p1'), []);
    ended.resolve();
    await polled;
    await job.until(() => job.outcomes('p1').length === 2, 'it goes on once its state is open');
    await job.goesOn();
  },
};

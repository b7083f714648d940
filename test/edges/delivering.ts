// Faults of what is called beside a task: a channel's code, its provider, a model, what must be known before sending.

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { SendResult } from '../../connectors/channels/delivery/sender.ts';
import { SEND_MS_MAX } from '../../connectors/channels/delivery/supervised.ts';
import { RetryableError } from '../../lib/errors.ts';
import { type Fault, startHttpProvider } from '../../testing/providers/http-provider.ts';
import { type Script, scripts } from './faulty-channel.ts';
import type { Injections } from './injections.ts';
import { logAround, type OpenJob, openJob } from './job.ts';

/** The message of p1 over channel one fails for good; the other channel, and p1's next message, go on. */
async function failsAlone(t: TestContext, script: Script, reason: RegExp): Promise<OpenJob> {
  const job = await openJob(t);
  scripts.set('one', script);
  await job.send(job.event('p1', 'bought'));
  await job.until(() => job.outcomes('p1').length === 2, 'both messages are settled');
  assert.deepEqual(job.outcomes('p1'), ['one failed', 'two delivered']);
  assert.match(job.deliveries.find(({ channel }) => channel === 'one')!.reason ?? '', reason);
  assert.deepEqual(
    job.deadLetters.map(({ topic }) => topic),
    ['actions.one'],
  );
  scripts.delete('one');
  await job.send(job.event('p1', 'bought'));
  await job.until(() => job.outcomes('p1').length === 4, 'the same person gets the next message');
  assert.deepEqual(job.outcomes('p1'), ['one delivered', 'one failed', 'two delivered', 'two delivered']);
  assert.deepEqual(job.faults, []);
  await job.goesOn();
  return job;
}

/** A template that is stopped fails its message alone. */
async function isStopped(t: TestContext, template: string): Promise<void> {
  const rules = `id: wordy
when: { event: told }
then: [{ send: { channel: one, template: wordy } }]
`;
  const job = await openJob(t, { rules, files: { 'templates/wordy/faulty.liquid': template } });
  await job.send(job.event('p1', 'told'));
  await job.until(() => job.outcomes('p1').length === 1, 'the message is settled');
  assert.deepEqual(job.outcomes('p1'), ['one failed']);
  assert.equal(job.deadLetters[0]?.reason, 'TRG_TEMPLATE_FAILED');
  assert.deepEqual(job.faults, []);
  await job.goesOn();
}

export const render: Injections = {
  async throws(t) {
    const fails = (): never => {
      throw new TypeError('a bug that quotes somebody@example.com');
    };
    await failsAlone(t, { render: fails }, /^the connector failed on this message: TypeError$/);
    // What is no rendering fails alike.
    await failsAlone(t, { render: () => ({ outcome: 'rendered' }) as never }, /TypeError$/);
    await failsAlone(t, { render: () => ({ outcome: 'done' }) as never }, /^the connector failed/);
  },
  hangs: (t) => isStopped(t, '{% for i in (1..1000000000) %}{% endfor %}'),
  'too large': (t) => isStopped(t, `{% for i in (1..20000) %}${'x'.repeat(100)}{% endfor %}`),
};

const NO_RESULTS: readonly unknown[] = [undefined, null, 7, {}, { outcome: 'gone' }, { outcome: 'failed', reason: 7 }];

export const send: Injections = {
  async throws(t) {
    const fails = (): never => {
      throw new TypeError('a bug that quotes somebody@example.com');
    };
    await failsAlone(t, { send: fails }, /^the connector failed on this message: TypeError$/);
  },
  async rejects(t) {
    await failsAlone(
      t,
      { send: () => Promise.reject(new Error('no')) },
      /^the connector failed on this message: Error$/,
    );
    // A provider that is away is no fault of the sender: tried again, and given up after the last attempt.
    const job = await openJob(t);
    scripts.set('one', { send: () => Promise.resolve({ outcome: 'retry', reason: 'HTTP 503' }) });
    await job.send(job.event('p1', 'bought'));
    await job.until(() => job.outcomes('p1').length === 1, 'the other channel delivers meanwhile');
    assert.deepEqual(job.outcomes('p1'), ['two delivered']);
    for (let attempt = 0; attempt < 5; attempt++) {
      await job.clock.advance(5_000);
      await job.until(() => true, 'time passes');
    }
    await job.until(() => job.outcomes('p1').length === 2, 'it is given up');
    assert.match(job.deliveries.at(-1)!.reason ?? '', /^HTTP 503, after 3 attempts$/);
    scripts.delete('one');
    await job.goesOn();
  },
  async hangs(t) {
    const job = await openJob(t);
    scripts.set('one', {
      send: ({ action }) =>
        action.entity.id === 'p1'
          ? new Promise<SendResult>(() => {})
          : Promise.resolve({ outcome: 'delivered', providerId: null }),
    });
    await job.send(job.event('p1', 'bought'));
    await job.until(() => job.outcomes('p1').length === 1, 'the other channel delivers');
    await job.goesOn();
    assert.deepEqual(job.outcomes('p1'), ['two delivered']);
    scripts.delete('one');
    await job.clock.advance(SEND_MS_MAX);
    await job.until(() => job.driver.counters.toJSON()['delivery-retry{channel=one}'] === 1, 'it is given up');
    await job.clock.advance(5_000);
    await job.until(() => job.outcomes('p1').length === 2, 'it is tried again');
    assert.deepEqual(job.outcomes('p1'), ['one delivered', 'two delivered']);
    assert.deepEqual(job.faults, []);
  },
  async 'too large'(t) {
    const long = 'x'.repeat(5_000_000);
    const job = await failsAlone(t, { send: async () => ({ outcome: 'failed', reason: long }) }, /^x{999}…$/);
    scripts.set('one', { send: async () => ({ outcome: 'delivered', providerId: long, handOver: { long } }) });
    await job.send(job.event('p9', 'bought'));
    await job.until(() => job.outcomes('p9').length === 2, 'both are settled');
    assert.equal(
      job.deliveries.find(({ entity, channel }) => entity.id === 'p9' && channel === 'one')!.providerId!.length,
      1_000,
    );
    for (const result of NO_RESULTS) {
      await failsAlone(
        t,
        { send: () => Promise.resolve(result as SendResult) },
        /^the connector failed on this message: /,
      );
    }
  },
};

const MODEL_RULES = `id: scored
when: { event: asked }
if: score("risk") > 0.5
then: [{ send: { channel: one } }]
`;

/** The model's default stands for who meets the fault, its answer for whoever comes after. */
async function defaultStands(t: TestContext, fault: Fault | { status: number; body?: string }): Promise<void> {
  const provider = await startHttpProvider(() => ({ status: 200, body: { score: 0.9 } }));
  t.after(() => provider.close());
  const model = `{ id: risk, type: http, url: "${provider.url}", timeout: 2s, default: 0.1, features: [{ name: amount, value: event.properties.amount }] }`;
  const job = await openJob(t, { rules: MODEL_RULES, files: { 'models/risk.yaml': model } });
  provider.next(fault);
  await job.send(job.event('p1', 'asked', { amount: 1 }));
  await job.until(() => provider.requests.length === 1, 'the model is asked');
  await job.goesOn();
  await job.clock.advance(2_000);
  const ofP1 = () => job.decisions.filter(({ entity }) => entity.id === 'p1');
  await job.until(() => ofP1().length === 1, 'it is decided without an answer');
  assert.deepEqual(
    ofP1().map(({ outcome, reason }) => [outcome, reason]),
    [['suppressed', 'condition']],
  );
  assert.equal(job.driver.counters.toJSON()['score-failed{model=risk}'], 1);
  await job.send(job.event('p2', 'asked', { amount: 1 }));
  await job.until(() => job.outcomes('p2').length === 1, 'the next answer counts');
  assert.deepEqual([job.faults, job.deadLetters], [[], []]);
  // What asks it holds its own, too: a record that is no request ends nothing.
  await job.driver.pipe('shop-score-requests', { key: 'p1', value: '{}' });
  await job.until(() => job.deadLetters.length === 1, 'what is no request is a dead letter');
  await job.goesOn();
}

export const model: Injections = {
  throws: (t) => defaultStands(t, { status: 500 }),
  rejects: (t) => defaultStands(t, 'resets'),
  hangs: (t) => defaultStands(t, 'hangs'),
  'too large': (t) => defaultStands(t, 'endless'),
};

/** Decisions go on while nothing can be known, and nothing is sent; then all of it is. */
async function nothingIsSent(t: TestContext, meets: () => Promise<void> | undefined): Promise<void> {
  let isAway = false;
  const ended = Promise.withResolvers<void>();
  const read = (): Promise<void> | undefined => (isAway ? (meets() ?? ended.promise) : undefined);
  const job = await openJob(t, { aroundKnown: (log) => logAround(log, { read }) });
  await job.goesOn();
  isAway = true;
  await job.send(job.event('p1', 'bought'));
  await job.until(() => job.decisions.filter(({ entity }) => entity.id === 'p1').length === 2, 'it is decided');
  await job.clock.advance(2_000);
  await job.until(() => true, 'time passes');
  assert.deepEqual(job.outcomes('p1'), []);
  isAway = false;
  ended.resolve();
  await job.clock.advance(2_000);
  await job.until(() => job.outcomes('p1').length === 2, 'it is sent once it may');
  assert.deepEqual(job.outcomes('p1'), ['one delivered', 'two delivered']);
  assert.deepEqual(job.faults, []);
  await job.goesOn();
}

export const known: Injections = {
  throws: (t) =>
    nothingIsSent(t, () => {
      throw new TypeError('a bug of the log');
    }),
  rejects: (t) => nothingIsSent(t, () => Promise.reject(new RetryableError('TRG_LOG_UNREACHABLE', 'the log is away'))),
  hangs: (t) => nothingIsSent(t, () => undefined),
};

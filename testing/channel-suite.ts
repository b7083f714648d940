// What every channel with a connector must do, whatever its provider. Run on each of ours by
// test/connectors/channels/<name>/contract.test.ts, and shipped for channels that others make (docs/extending.md).

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';

import { type Channel, checkOptions, openChannel } from '../connectors/channels/channel.ts';
import type { Templates } from '../connectors/channels/templates/templates.ts';
import type { Action } from '../schemas/action.ts';
import { attempting, DEPENDENCIES } from './attempting.ts';
import { FakeClock } from './fake-clock.ts';
import { until } from './until.ts';

/** How the provider answers. */
export type Answer = 'takes' | 'later' | 'never' | 'hangs' | 'resets';

/** A stand-in for the provider: a real server on this machine. */
export interface Provider {
  /** Options of a connector that sends to it. */
  readonly options: object;
  /** Idempotency keys of the messages that arrived, in order. */
  readonly keys: readonly string[];
}

export interface ChannelHarness {
  readonly channel: Channel;
  readonly supports: {
    /** Somebody else takes its messages, who may be away; left out: so it is. */
    readonly provider?: boolean;
    /** The provider can say that trying again is of no use. */
    readonly finalRefusals: boolean;
    /** A profile may lack an address. */
    readonly addresses: boolean;
  };
  readonly templates: Templates;
  /** An action that can be delivered. */
  readonly action: (fields?: Partial<Action>) => Action;
  start(t: TestContext, answer: Answer): Promise<Provider>;
}

const NO_ABORT = new AbortController().signal;
/** Longer than any exchange may take. */
const LONG_MS = 600_000;

export function channelSuite(harness: ChannelHarness): void {
  const { channel, supports, templates } = harness;
  const { id } = channel;

  async function open(t: TestContext, answer: Answer) {
    const provider = await harness.start(t, answer);
    const clock = new FakeClock();
    const sender = attempting(openChannel(channel, provider.options, { ...DEPENDENCIES, clock, templates }));
    t.after(() => sender.close());
    return { provider, clock, sender };
  }

  test(`${id}: a message that the provider takes is delivered, once`, async (t) => {
    const { provider, sender } = await open(t, 'takes');
    const result = await sender.send(harness.action(), 1, NO_ABORT);
    assert.equal(result.outcome, 'delivered');
    assert.equal(provider.keys.length, 1);
  });

  test(`${id}: an action repeats with its key, another action of the same decision has one of its own`, async (t) => {
    const { provider, sender } = await open(t, 'takes');
    await sender.send(harness.action({ id: 'first' }), 1, NO_ABORT);
    await sender.send(harness.action({ id: 'first' }), 2, NO_ABORT);
    await sender.send(harness.action({ id: 'second', step: 1 }), 1, NO_ABORT);
    const [one, again, other] = provider.keys;
    assert.equal(one, again);
    assert.notEqual(other, one);
  });

  if (supports.provider !== false) {
    test(`${id}: a provider that cannot now is asked again later`, async (t) => {
      const { sender } = await open(t, 'later');
      const result = await sender.send(harness.action(), 1, NO_ABORT);
      assert.equal(result.outcome, 'retry');
    });
  }

  if (supports.finalRefusals) {
    test(`${id}: a provider that never will is not asked again`, async (t) => {
      const { sender } = await open(t, 'never');
      const result = await sender.send(harness.action(), 1, NO_ABORT);
      assert.equal(result.outcome, 'failed');
    });
  }

  if (supports.provider !== false) {
    test(`${id}: a connection that breaks is tried again`, async (t) => {
      const { sender } = await open(t, 'resets');
      const result = await sender.send(harness.action(), 1, NO_ABORT);
      assert.equal(result.outcome, 'retry');
    });
  }

  if (supports.provider !== false) {
    test(`${id}: a provider that hangs holds nobody up for ever (S2)`, async (t) => {
      const { provider, sender, clock } = await open(t, 'hangs');
      const sent = sender.send(harness.action(), 1, NO_ABORT);
      await until(() => provider.keys.length > 0 || clock.sleeping > 0, { message: 'the provider is asked' });
      await clock.advance(LONG_MS);
      const result = await sent;
      assert.equal(result.outcome, 'retry');
      assert.equal(clock.sleeping, 0);
    });
  }

  test(`${id}: whatever a profile or an event holds is a result, never a rejection (S1)`, async (t) => {
    const { sender } = await open(t, 'takes');
    const hostile: readonly unknown[] = [
      { toString: 1 },
      [{ toString: 1 }],
      { toJSON: 1 },
      [],
      {},
      5,
      '',
      '\r\nBcc: x@y.test',
    ];
    for (const value of hostile) {
      const names = channel.traits.addresses ?? ['email'];
      const profile = Object.fromEntries(names.map((name) => [name, value]));
      const context = { profile, event: { properties: { value } } } as Action['context'];
      const result = await sender.send(harness.action({ context }), 1, NO_ABORT);
      assert.ok(['delivered', 'failed', 'skipped'].includes(result.outcome), JSON.stringify(result));
    }
  });

  if (supports.addresses) {
    test(`${id}: without an address nothing is sent, and that is said`, async (t) => {
      const { provider, sender } = await open(t, 'takes');
      const result = await sender.send(harness.action({ context: { profile: {} } }), 1, NO_ABORT);
      assert.equal(result.outcome, 'skipped');
      assert.equal(provider.keys.length, 0);
    });
  }

  test(`${id}: a template that is not there fails the message and names it`, async (t) => {
    const { provider, sender } = await open(t, 'takes');
    const result = await sender.send(harness.action({ template: 'nowhere' }), 1, NO_ABORT);
    assert.equal(result.outcome, 'failed');
    assert.match((result as { reason: string }).reason, /nowhere/);
    assert.equal(provider.keys.length, 0);
  });

  test(`${id}: closing twice is closing once`, async (t) => {
    const { sender } = await open(t, 'takes');
    await sender.close();
    await sender.close();
  });

  test(`${id}: good options have no findings; what is not known is refused by its name, with the channel`, async (t) => {
    const provider = await harness.start(t, 'takes');
    assert.deepEqual(checkOptions(channel, structuredClone(provider.options)), []);
    const wrong = { ...provider.options, colour: 'green' };
    assert.throws(() => openChannel(channel, wrong, { ...DEPENDENCIES, clock: new FakeClock(), templates }), {
      code: 'TRG_CONFIG_INVALID',
      message: new RegExp(`^channels\\.${id}: .*colour`),
    });
  });
}

// What follows from an outcome for others: suppressions, states of channels, devices, the archive, alerts.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Alerts } from '../../../../connectors/channels/delivery/alerts.ts';
import type { ArchivedMessage } from '../../../../connectors/channels/delivery/outcomes.ts';
import type { RenderedMessage, Rendering, SendResult } from '../../../../connectors/channels/delivery/sender.ts';
import type { Action } from '../../../../schemas/action.ts';
import type { ChannelState } from '../../../../schemas/channel-state.ts';
import type { Suppression } from '../../../../schemas/suppression.ts';
import { ConnectorTask, makeAction } from './fake-context.ts';
import { DELIVERED, FakeSender, type Send } from './fake-sender.ts';

const DAY = 86_400_000;
const MESSAGE: RenderedMessage = {
  address: { kind: 'email', value: 'Ann@Shop.test' },
  content: { subject: 'Hello', text: 'there' },
};

class AddressedSender extends FakeSender {
  override render(): Rendering {
    return { outcome: 'rendered', message: MESSAGE };
  }
}

async function after(script: (send: Send) => SendResult, ids: readonly string[], gapMs = 0) {
  const task = new ConnectorTask({ channel: 'email', sender: new AddressedSender(script) });
  for (const id of ids) {
    task.read(makeAction({ id }));
    await task.settle();
    await task.advance(gapMs);
  }
  return task;
}

const bounced = (soft: boolean): SendResult => ({
  outcome: 'failed',
  reason: 'SMTP 550',
  suppress: { reason: 'bounce', ...(soft && { soft }) },
});

test('a hard bounce suppresses the address, with where it was met, and the next message to it is not sent', async () => {
  const task = await after(() => bounced(false), ['a1']);
  assert.deepEqual(task.sentTo<Suppression>('suppressions'), [
    {
      kind: 'email',
      address: 'ann@shop.test',
      reason: 'bounce',
      at: task.clock.now(),
      source: 'email',
      entities: ['user/u1'],
    },
  ]);
  assert.match(task.deliveries[0]!.address!, /^email:[0-9a-f]{32}$/);
  await task.commit();
  task.read(makeAction({ id: 'a2', entity: { type: 'user', id: 'u2' } }));
  await task.settle();
  assert.deepEqual(
    task.deliveries.map(({ action, outcome, reason }) => [action, outcome, reason]),
    [
      ['a1', 'failed', 'SMTP 550'],
      ['a2', 'skipped', 'suppressed'],
    ],
  );
});

test('soft bounces suppress after three in a row, also over a restart (S1)', async () => {
  const task = await after(() => bounced(true), ['a1', 'a2']);
  assert.deepEqual(task.sentTo('suppressions'), []);
  await task.commit();
  await task.crash();
  task.read(makeAction({ id: 'a3' }));
  await task.settle();
  assert.equal(task.sentTo('suppressions').length, 1);
  await task.commit();
  assert.equal(task.outbox('u1'), undefined);
});

test('a delivery between, or a month, makes soft bounces count anew, and nothing is left of them (S1)', async () => {
  const script = ({ action: { id } }: Send): SendResult => (id === 'fine' ? DELIVERED : bounced(true));
  const between = await after(script, ['a1', 'a2', 'fine', 'a3', 'a4']);
  assert.deepEqual(between.sentTo('suppressions'), []);
  const seldom = await after(() => bounced(true), ['a1', 'a2', 'a3'], 20 * DAY);
  assert.deepEqual(seldom.sentTo('suppressions').length, 1);
  const rare = await after(() => bounced(true), ['a1', 'a2', 'a3', 'a4'], 31 * DAY);
  assert.deepEqual(rare.sentTo('suppressions'), []);
  assert.equal(rare.outbox('u1'), undefined);
});

test('a channel that its provider gave up is recorded as disabled for all workers', async () => {
  const task = await after(() => ({ outcome: 'failed', reason: 'HTTP 410', disable: true }), ['a1']);
  assert.deepEqual(task.sentTo<ChannelState>('channels'), [
    { state: 'disabled', reason: 'HTTP 410', at: task.clock.now(), by: 'provider', retryAt: null },
  ]);
});

test('devices that are gone become commands to their person, others do not', async () => {
  const devices = [
    { device: 'd1', outcome: 'gone', reason: 'UNREGISTERED', goneAt: 7 },
    { device: 'd2', outcome: 'delivered', reason: null },
    { device: 'd3', outcome: 'failed', reason: 'x' },
  ] as const;
  const task = await after(() => ({ ...DELIVERED, devices }), ['a1']);
  assert.deepEqual(task.sentTo('commands'), [{ kind: 'device', op: 'remove', device: { id: 'd1' }, at: 7 }]);
});

test('with an archive what was delivered is kept word by word, and what was not is not', async () => {
  const script = ({ action: { id } }: Send): SendResult =>
    id === 'a1' ? DELIVERED : { outcome: 'failed', reason: 'x' };
  const task = new ConnectorTask({ channel: 'email', sender: new AddressedSender(script), desk: { archives: true } });
  task.read(makeAction({ id: 'a1' }));
  task.read(makeAction({ id: 'a2' }));
  await task.settle();
  const kept = task.sentTo<ArchivedMessage>('messages');
  assert.deepEqual(
    kept.map(({ action, outcome, to, content }) => [action, outcome, to, content]),
    [['a1', 'delivered', MESSAGE.address, MESSAGE.content]],
  );
  const without = await after(() => DELIVERED, ['a1']);
  assert.deepEqual(without.sentTo('messages'), []);
});

test('a failure without a further channel alerts, at most once a minute, and tells how many there were (L2)', async () => {
  const alerts = new Alerts({ channel: 'slack', application: 'shop', isTemplated: true });
  const sender = new AddressedSender(() => ({ outcome: 'failed', reason: 'HTTP 400' }));
  const task = new ConnectorTask({ channel: 'email', sender, desk: { alerts } });
  const read = async (id: string, fields: Partial<Action> = {}): Promise<void> => {
    task.read(makeAction({ id, ...fields }));
    await task.settle();
  };
  await read('a0', { fallback: ['sms'] });
  assert.deepEqual(task.sentTo('alerts'), []);
  for (let i = 1; i <= 5; i++) await read(`a${i}`);
  await task.advance(60_000);
  await read('a6');
  const sent = task.sentTo<Action>('alerts');
  assert.deepEqual(
    sent.map(({ channel, entity, data }) => [channel, entity.type, data['event'], data['passedOver']]),
    [
      ['slack', 'tripline', 'delivery_failed', 0],
      ['slack', 'tripline', 'delivery_failed', 4],
    ],
  );
  assert.equal(new Set(sent.map(({ id }) => id)).size, 2);
  assert.match(String(sent[0]!.data['summary']), /email could not deliver a message, rule cart-abandonment: HTTP 400$/);
});

test('a disabled channel alerts; what fails on the channel of the alerts, or is an alert, does not (L1)', async () => {
  const alerts = new Alerts({ channel: 'slack', application: 'shop', isTemplated: true });
  const script = (): SendResult => ({ outcome: 'failed', reason: 'gone', disable: true });
  const task = new ConnectorTask({ channel: 'email', sender: new AddressedSender(script), desk: { alerts } });
  task.read(makeAction());
  await task.settle();
  assert.deepEqual(
    task.sentTo<Action>('alerts').map(({ data }) => data['event']),
    ['delivery_failed', 'channel_disabled'],
  );
  const slack = new ConnectorTask({ channel: 'slack', sender: new AddressedSender(script), desk: { alerts } });
  slack.read(makeAction());
  await slack.settle();
  assert.deepEqual(slack.sentTo('alerts'), []);
  const ofAlert = new ConnectorTask({ channel: 'sms', sender: new AddressedSender(script), desk: { alerts } });
  ofAlert.read(makeAction({ entity: { type: 'tripline', id: 'shop' } }));
  await ofAlert.settle();
  assert.deepEqual(ofAlert.sentTo('alerts'), []);
});

test('what is refused right before it goes was not sent, and counts no attempt', async () => {
  const sender = new AddressedSender();
  const task = new ConnectorTask({ channel: 'email', sender });
  task.facts.write('tripline.consent-changes', 'u1', { all: false });
  task.read(makeAction());
  await task.settle();
  assert.deepEqual(
    task.deliveries.map(({ outcome, reason, attempts }) => [outcome, reason, attempts]),
    [['skipped', 'consent', 0]],
  );
  assert.deepEqual(sender.sends, []);
  assert.ok(task.facts.asked > 0);
});

test('a message with something missing goes, and its delivery and a metric say what', async () => {
  class Lacking extends FakeSender {
    override render(): Rendering {
      return { outcome: 'rendered', message: { ...MESSAGE, missing: ['profile.nmae', 'data.x'] } };
    }
  }
  const task = new ConnectorTask({ channel: 'email', sender: new Lacking(() => DELIVERED) });
  task.read(makeAction({ id: 'a1' }));
  await task.settle();
  const { outcome, reason } = task.deliveries[0]!;
  assert.deepEqual([outcome, reason], ['delivered', 'missing: profile.nmae, data.x']);
  assert.equal(task.counts.get('template-missing email'), 1);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  decodeRepartitioned,
  encodeRepartitioned,
  FromRepartition,
  type Repartitioned,
  ToRepartition,
} from '../../../processors/intake/repartition.ts';
import type { Event } from '../../../schemas/event.ts';
import { traceHeaders } from '../../../schemas/trace.ts';
import type { ProcessorContext } from '../../../state/processor.ts';
import { event } from '../../rules/kit.ts';
import { RecordingContext, sourceRecord } from '../kit.ts';

const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

/** A task's side of the topic whose input has come to `inputTime`. */
class AtInputTime extends RecordingContext {
  at = -1;
  readonly watermarks: [string, number][] = [];
  override inputTime = (): number => this.at;
  override observeWatermark = (upstream?: string, time?: number): undefined => {
    this.watermarks.push([upstream!, time!]);
  };
}

function sender() {
  const context = new AtInputTime();
  const to = new ToRepartition('events.shop');
  to.init(context as unknown as ProcessorContext);
  return { context, to };
}

test('an event travels keyed by its entity’s id, and arrives as it was, with its trace', () => {
  const { context, to } = sender();
  const sent = event('paid', 9_000, { n: 1 }, { messageId: 'm1', userId: 'u/1' });
  const headers = traceHeaders(TRACE);
  to.process({ key: 'device/u/1', value: sent, timestamp: 9_000, headers });
  const [{ message }] = context.forwarded as [(typeof context.forwarded)[number]];
  assert.deepEqual([message.key, message.timestamp], ['u/1', 9_000]);

  const arrived = new AtInputTime();
  const from = new FromRepartition();
  from.init(arrived as unknown as ProcessorContext);
  const { value, ...rest } = sourceRecord(encodeRepartitioned(message.value as Repartitioned), message.key);
  from.process({ ...rest, value: { ...value, record: { ...value.record, headers } } });
  assert.deepEqual(
    arrived.forwarded.map(({ message: { key, timestamp } }) => [key, timestamp]),
    [['device/u/1', 9_000]],
  );
  const seen = arrived.forwarded[0]!.message.value as Event;
  assert.deepEqual(seen.toJson(), sent.toJson());
  assert.equal(seen.traceparent, TRACE);
  assert.deepEqual(arrived.watermarks, []);
});

test('before a commit the task tells how far its input has come, to all and once (P1)', () => {
  const { context, to } = sender();
  to.beforeCommit();
  assert.deepEqual(context.forwarded, [], 'nothing was read yet');
  for (const at of [5, 5, 4, 6]) {
    context.at = at;
    to.beforeCommit();
  }
  const watermark = (time: number) => ({ kind: 'watermark', upstream: 'events.shop/0', time });
  assert.deepEqual(
    context.forwarded.map(({ message }) => message),
    [5, 6].map((time) => ({ key: '', value: watermark(time), timestamp: time, headers: [] })),
  );

  const arrived = new AtInputTime();
  const from = new FromRepartition();
  from.init(arrived as unknown as ProcessorContext);
  from.process(sourceRecord(encodeRepartitioned(watermark(6) as Repartitioned), ''));
  assert.deepEqual(arrived.watermarks, [['events.shop/0', 6]]);
  assert.deepEqual(arrived.forwarded, []);
});

test('what is neither an event nor a watermark is refused', () => {
  const from = new FromRepartition();
  from.init(new AtInputTime() as unknown as ProcessorContext);
  for (const value of [null, Uint8Array.of(3, 1, 2)]) {
    assert.throws(() => from.process(sourceRecord(value, 'u1')), {
      name: 'RecordError',
      code: 'TRG_RECORD_UNREADABLE',
    });
  }
  assert.throws(() => decodeRepartitioned(Uint8Array.of(0)), { code: 'TRG_RECORD_UNREADABLE' });
});

test('an event of our own name, which intake never sends on, is refused on the other side', () => {
  const forged = encodeRepartitioned({ kind: 'event', entity: 'user', event: event('$consent', 9_000, { all: true }) });
  assert.throws(() => decodeRepartitioned(forged), { code: 'TRG_RECORD_RESERVED' });
});

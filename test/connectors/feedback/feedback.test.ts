import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FeedbackDocument, feedbackSpec, JoinFeedback } from '../../../connectors/feedback/feedback.ts';
import { consentChangeOf } from '../../../schemas/consent-change.ts';
import type { Delivery } from '../../../schemas/delivery.ts';
import { type Feedback, NO_FEEDBACK } from '../../../schemas/feedback.ts';
import type { JsonObject } from '../../../schemas/json.ts';
import type { MessageReference } from '../../../schemas/message-reference.ts';
import type { ProcessorContext } from '../../../state/processor.ts';
import { CachedDocumentStore } from '../../../state/store/document-store.ts';
import { MemoryStore } from '../../../state/store/memory-store.ts';
import { RecordingContext, sourceRecord } from '../../processors/kit.ts';

const DAY = 86_400_000;
const REFERENCE: MessageReference = {
  action: 'a1',
  decision: 'd1',
  rule: 'r',
  ruleVersion: 'v',
  entity: { type: 'user', id: 'u1' },
  channel: 'sms',
  category: null,
  attempt: 1,
  flow: null,
  step: 0,
  variant: null,
  address: 'phone:x',
};
const PHONE = { kind: 'phone', value: '+49170' } as const;

function join() {
  const documents = new CachedDocumentStore<FeedbackDocument>(new MemoryStore(), feedbackSpec, { cacheBytes: 1e6 });
  const context = new RecordingContext(documents);
  context.wall = 1_000;
  const processor = new JoinFeedback('feedback');
  processor.init(context as unknown as ProcessorContext);
  const read = (key: string, json: object): void => processor.process(sourceRecord(JSON.stringify(json), key));
  return {
    context,
    documents,
    processor,
    sent: () => read('a1', { sent: REFERENCE }),
    told: (of: Partial<Feedback>, key = 'a1') =>
      read(key, { ...NO_FEEDBACK, id: 'f1', outcome: 'received', at: 5, ...of }),
    outcomes: () =>
      context.valuesTo<Delivery>('deliveries').map(({ action, outcome, reason }) => [action, outcome, reason]),
  };
}

test('what is heard of a message becomes a record of it, before or after the message is known, once', () => {
  const after = join();
  after.sent();
  after.told({});
  const before = join();
  before.told({});
  assert.deepEqual(before.outcomes(), []);
  before.sent();
  for (const run of [after, before]) {
    run.told({});
    run.told({ id: 'f2', outcome: 'failed', reason: 'Twilio 30003' });
    run.told({});
    assert.deepEqual(run.outcomes(), [
      ['a1', 'received', null],
      ['a1', 'failed', 'Twilio 30003'],
    ]);
    const [delivery] = run.context.valuesTo<Delivery>('deliveries');
    assert.deepEqual(
      [delivery!.decision, delivery!.entity, delivery!.channel, delivery!.address, delivery!.isMachine],
      ['d1', { type: 'user', id: 'u1' }, 'sms', 'phone:x', false],
    );
  }
});

test('a link that says itself what it is of needs no message', () => {
  const run = join();
  run.told({ outcome: 'clicked', url: 'https://shop.test', reference: { ...REFERENCE, channel: 'email' } });
  const [delivery] = run.context.valuesTo<Delivery>('deliveries');
  assert.deepEqual([delivery!.channel, delivery!.outcome, delivery!.url], ['email', 'clicked', 'https://shop.test']);
});

test('STOP suppresses the number at once and takes consent back, START lifts both', () => {
  const run = join();
  const stop = { suppress: { reason: 'opt-out' as const, soft: false }, address: PHONE };
  run.told(
    { ...stop, outcome: 'replied', consent: { allowed: false, text: 'STOP', source: 'sms reply' } },
    'phone:+49170',
  );
  const suppressions = run.context.forwarded.filter(({ to }) => to === 'suppressions');
  assert.deepEqual(
    suppressions.map(({ message }) => [message.key, (message.value as { reason: string }).reason]),
    [['phone:+49170', 'opt-out']],
  );
  // Whoever has the number is known once a message went to it.
  run.processor.process(sourceRecord(JSON.stringify({ sent: REFERENCE }), 'phone:+49170'));
  const changes = run.context.valuesTo<JsonObject>('consent-changes');
  const said = { userId: 'u1', channels: { sms: false }, source: 'sms reply', text: 'STOP' };
  assert.deepEqual(changes, [{ ...said, timestamp: '1970-01-01T00:00:00.005Z' }]);
  // Whoever reads it takes it: the task that decides, and `tripline consent show`.
  assert.deepEqual(consentChangeOf(changes[0]!, 0), changes[0]);
  run.told({ id: 'f9', outcome: 'replied', lifts: true, address: PHONE }, 'phone:+49170');
  assert.equal(run.context.forwarded.filter(({ to }) => to === 'suppressions').at(-1)!.message.value, null);
});

test('word of a message that nobody knows is forgotten after a day and counted; a message after thirty', () => {
  const run = join();
  run.told({});
  const dueAt = () => feedbackSpec.dueAt(run.documents.get('a1')!);
  assert.equal(dueAt(), 1_000 + DAY);
  run.processor.due('a1');
  assert.equal(run.documents.get('a1'), undefined);
  assert.equal(run.context.counters.by('feedback-unknown', 'outcome').get('received'), 1);
  run.sent();
  assert.equal(dueAt(), 1_000 + 30 * DAY);
});

test('a record that is no feedback is refused by what it lacks', () => {
  const run = join();
  assert.throws(() => run.processor.process(sourceRecord('{}', 'a1')), { code: 'TRG_RECORD_INVALID' });
  assert.throws(() => run.processor.process(sourceRecord('{', 'a1')), { code: 'TRG_RECORD_UNREADABLE' });
  assert.throws(() => run.processor.process(sourceRecord('{}')), { code: 'TRG_RECORD_INVALID' });
});

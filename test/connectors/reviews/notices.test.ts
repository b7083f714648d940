import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slackContent } from '../../../connectors/channels/slack/message.ts';
import { ReviewNotices } from '../../../connectors/reviews/notices.ts';
import type { Action } from '../../../schemas/action.ts';
import type { Decision } from '../../../schemas/decision.ts';
import type { FlowRecord } from '../../../schemas/flow-record.ts';
import { decisionCodec, flowRecordCodec } from '../../../schemas/framed.ts';
import { decodeReviewButton } from '../../../schemas/review-button.ts';
import type { ProcessorContext } from '../../../state/processor.ts';
import { EvaluateRun, RecordingContext, sourceRecord } from '../../processors/kit.ts';
import { check, event } from '../../rules/kit.ts';
import { templatesOf } from '../channels/kit.ts';

const HOUR = 3_600_000;
const NOW = 100 * HOUR;
const RULES = `id: gated
when: { event: x }
review: { if: event.properties.amount > 100, atMost: 30h, note: Is it he? }
---
id: stepped
when: { event: y }
then: [{ review: { atMost: 10h, onTimeout: approve } }, { wait: 1h }]`;

/** What evaluating x and y at `at` writes. */
function told(at: number) {
  const run = new EvaluateRun(RULES).see(event('x', at, { amount: 200 }), event('y', at));
  const decisions = run.context.valuesTo<Decision>('decisions');
  return { decisions, flows: run.context.valuesTo<FlowRecord>('flows'), rules: check(RULES).ruleSet };
}

function notices(at: number, id = 'e1') {
  const { decisions, flows, rules } = told(at);
  const context = new RecordingContext();
  context.wall = NOW;
  const processor = new ReviewNotices({ application: 'shop', decisions: 'd', channel: 'slack', rules: () => rules });
  processor.init(context as unknown as ProcessorContext);
  const read = (topic: string, bytes: Uint8Array): void => {
    const message = sourceRecord(bytes);
    processor.process({ ...message, value: { ...message.value, topic } });
  };
  for (const decision of decisions) {
    read('d', decisionCodec.encode({ ...decision, entity: { ...decision.entity, id } }));
  }
  for (const record of flows) read('f', flowRecordCodec.encode({ ...record, entity: { ...record.entity, id } }));
  return { actions: context.valuesTo<Action>('notices'), decisions, flows };
}

test('a decision and a flow that wait are each told once, with what to look at and buttons that name them', () => {
  const { actions, decisions, flows } = notices(NOW - HOUR);
  assert.deepEqual(
    actions.map(({ rule, channel, validUntil, entity }) => [rule, channel, validUntil, entity]),
    [
      ['gated', 'slack', NOW + 29 * HOUR, { type: 'tripline', id: 'shop' }],
      ['stepped', 'slack', NOW + 9 * HOUR, { type: 'tripline', id: 'shop' }],
    ],
  );
  const [gated, stepped] = actions as [Action, Action];
  const content = slackContent(gated, templatesOf({}));
  assert.equal(content.text, 'shop: gated waits for a person');
  const [section, buttons] = content.blocks as never as [
    { text: { type: string; text: string } },
    { elements: { action_id: string; value: string }[] },
  ];
  assert.equal(section.text.type, 'plain_text');
  assert.match(
    section.text.text,
    /user\/e1\nIs it he\?\nevent.properties.amount: 200\nUntil .*, then reject. Id: [0-9a-f]{32}$/,
  );
  assert.deepEqual(
    buttons.elements.map(({ action_id }) => action_id),
    ['tripline-approve', 'tripline-reject'],
  );
  const { id: of } = decisions.find(({ outcome }) => outcome === 'review')!;
  for (const { value } of buttons.elements) {
    assert.deepEqual(decodeReviewButton(value), { of, entity: { type: 'user', id: 'e1' }, since: NOW - HOUR });
  }
  assert.match(String(stepped.data['summary']), /then approve/);
  assert.equal(decodeReviewButton(String(stepped.data['review']))?.of, flows[0]!.flow);
});

test('nobody is asked what is past its time, or was asked long ago (N2)', () => {
  assert.deepEqual(
    notices(NOW - 20 * HOUR).actions.map(({ rule }) => rule),
    ['gated'],
  );
  assert.deepEqual(notices(NOW - 25 * HOUR).actions, []);
});

test('an entity whose id is too long for a button is told without any', () => {
  const [action] = notices(NOW - HOUR, 'x'.repeat(2_000)).actions as [Action];
  const { blocks, text } = slackContent(action, templatesOf({}));
  assert.equal(blocks, undefined);
  assert.match(text!, /waits for a person/);
});

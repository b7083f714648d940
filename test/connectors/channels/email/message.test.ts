import assert from 'node:assert/strict';
import test from 'node:test';
import { checkOptions } from '../../../../connectors/channels/channel.ts';
import { email } from '../../../../connectors/channels/email/channel.ts';
import { EmailComposer, mailOf } from '../../../../connectors/channels/email/message.ts';
import type { EmailOptions } from '../../../../connectors/channels/email/options.ts';
import type { JsonObject } from '../../../../schemas/json.ts';
import { makeAction } from '../delivery/fake-context.ts';
import { DEPENDENCIES, templatesOf } from '../kit.ts';

const SENT_AT = new Date('2026-01-01T00:00:00Z');
const TEMPLATES = templatesOf({
  'html/email': '---\nsubject: "{{ data.subject }}"\n---\n<p>Hello</p>',
  'plain/email': '---\nsubject: Hi\n---\nHello',
});

function compose(options: Partial<EmailOptions>, profile: JsonObject, template = 'html', data: JsonObject = {}) {
  const whole = { host: 'mail.test', from: 'Shop <hello@shop.test>', ...options };
  assert.deepEqual(checkOptions(email, whole), []);
  const action = makeAction({ id: 'act1', channel: 'email', template, data, context: { profile } });
  const rendering = new EmailComposer(whole as EmailOptions, { ...DEPENDENCIES, templates: TEMPLATES }).compose(action);
  if (rendering.outcome !== 'rendered') return rendering;
  const { message } = rendering;
  return { message: mailOf({ action, message, attempt: 1, traceparent: null }, 'shop.test', SENT_AT) };
}

test('a message has one recipient, the headers that are named, and reads no file and no URL (M1)', () => {
  const unsubscribeUrl = 'https://shop.test/u/{{ entity.id }}';
  const common = {
    messageId: '<act1@shop.test>',
    date: SENT_AT,
    from: 'Shop <hello@shop.test>',
    to: { name: '', address: 'ann@example.com' },
    text: 'Hello',
    disableFileAccess: true,
    disableUrlAccess: true,
  };
  assert.deepEqual(compose({ unsubscribeUrl }, { email: 'ann@example.com' }, 'html', { subject: 'Sale' }), {
    message: {
      ...common,
      subject: 'Sale',
      html: '<p>Hello</p>',
      headers: {
        'List-Unsubscribe': '<https://shop.test/u/u1>',
        'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
      },
    },
  });
  assert.deepEqual(compose({}, { email: 'ann@example.com' }, 'plain'), {
    message: { ...common, subject: 'Hi', headers: {} },
  });
});

test('spaces around an address are left out, of the profile and of `to`', () => {
  const recipient = (options: Partial<EmailOptions>, profile: JsonObject): unknown => {
    const composed = compose(options, profile, 'plain');
    return 'message' in composed && composed.message.to;
  };
  assert.deepEqual(recipient({}, { email: ' ann@example.com\n' }), { name: '', address: 'ann@example.com' });
  assert.deepEqual(recipient({ to: ' {{ entity.id }}@people.test ' }, {}), { name: '', address: 'u1@people.test' });
});

test('a subject that renders as nothing is as good as none', () => {
  const subject = (options: Partial<EmailOptions>): unknown => {
    const composed = compose(options, { email: 'ann@example.com' }, 'html', { subject: ' ' });
    return 'message' in composed && composed.message.subject;
  };
  assert.equal(subject({ subject: 'News' }), 'News');
  assert.throws(() => subject({}), { code: 'TRG_TEMPLATE_FAILED', message: /has no subject/ });
  assert.throws(() => subject({ subject: '{{ data.none }}' }), { code: 'TRG_TEMPLATE_FAILED' });
});

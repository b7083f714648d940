import assert from 'node:assert/strict';
import { createSign, generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { isSendgridSignature, sendgridFeedback } from '../../../../apps/http/feedback/sendgrid.ts';
import { isAmazons, isSnsSignature, sesFeedback, snsMessageOf } from '../../../../apps/http/feedback/ses.ts';
import { inboundFeedback, isTwilioSignature, statusFeedback } from '../../../../apps/http/feedback/twilio.ts';

const PERSON =
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15';

test('a callback of Twilio is believed by its signature over URL and form', () => {
  // The example of Twilio's documentation on request validation.
  const form = {
    CallSid: 'CA1234567890ABCDE',
    Caller: '+14158675309',
    Digits: '1234',
    From: '+14158675309',
    To: '+18005551212',
  };
  const url = 'https://mycompany.com/myapp.php?foo=1&bar=2';
  const signature = 'RSOYDt4T1cUTdK1PDd93/VVr8B8=';
  assert.equal(isTwilioSignature('12345', url, form, signature), true);
  assert.equal(isTwilioSignature('12346', url, form, signature), false);
  assert.equal(isTwilioSignature('12345', `${url}&x=1`, form, signature), false);
  assert.equal(isTwilioSignature('12345', url, { ...form, Digits: '1' }, signature), false);
  assert.equal(isTwilioSignature('12345', url, form, ''), false);
});

test('statuses of Twilio become outcomes: a dead number is failed, bounced and suppressed; what is on its way is none', () => {
  const told = (form: Record<string, string>) =>
    statusFeedback('a1', { MessageSid: 'SM1', To: '+49', ...form }, 7).map(({ key, feedback }) => {
      const { id, outcome, reason, suppress } = feedback;
      return [key, id, outcome, reason, suppress?.reason ?? null];
    });
  assert.deepEqual(told({ MessageStatus: 'sent' }), []);
  assert.deepEqual(told({ MessageStatus: 'delivered' }), [['a1', 'SM1:delivered', 'received', null, null]]);
  assert.deepEqual(told({ MessageStatus: 'undelivered', ErrorCode: '30003' }), [
    ['a1', 'SM1:failed', 'failed', 'Twilio 30003', null],
  ]);
  assert.deepEqual(told({ MessageStatus: 'undelivered', ErrorCode: '30005' }), [
    ['a1', 'SM1:failed', 'failed', 'Twilio 30005', null],
    ['a1', 'SM1:bounced', 'bounced', 'Twilio 30005', 'dead'],
  ]);
  assert.equal(told({ MessageStatus: 'failed', ErrorCode: '21610' })[1]![4], 'opt-out');
});

test('STOP, its other words and START are heard; other answers are answers', () => {
  const heard = (Body: string, OptOutType = '') => {
    const { key, feedback } = inboundFeedback(
      { MessageSid: 'SM2', From: '+49 170', Body, ...(OptOutType && { OptOutType }) },
      1,
    );
    return [
      key,
      feedback.outcome,
      feedback.consent?.allowed ?? null,
      feedback.suppress?.reason ?? null,
      feedback.lifts,
    ];
  };
  for (const word of ['STOP', ' stop. ', 'Unsubscribe', 'REVOKE', 'opt-out', 'OPTOUT']) {
    assert.deepEqual(heard(word), ['phone:+49170', 'replied', false, 'opt-out', false], word);
  }
  assert.deepEqual(heard('START'), ['phone:+49170', 'replied', true, null, true]);
  assert.deepEqual(heard('please stop it'), ['phone:+49170', 'replied', null, null, false]);
  assert.deepEqual(heard('anything', 'STOP'), ['phone:+49170', 'replied', false, 'opt-out', false]);
});

test('SendGrid is believed by ECDSA over time and body; its events become outcomes, machine opens told apart', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const key = publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
  const body = Buffer.from('[{"event":"open"}]');
  const signature = createSign('sha256').update('170').update(body).sign(privateKey, 'base64');
  assert.equal(isSendgridSignature(key, '170', body, signature), true);
  assert.equal(isSendgridSignature(key, '171', body, signature), false);
  assert.equal(isSendgridSignature(key, '170', Buffer.from('[]'), signature), false);
  assert.equal(isSendgridSignature(key, '170', body, 'x'), false);
  const event = (fields: object) => ({
    sg_event_id: 'e',
    timestamp: 1,
    email: 'a@b.test',
    'smtp-id': '<act1@shop.test>',
    ...fields,
  });
  const told = sendgridFeedback([
    event({ event: 'delivered' }),
    event({ event: 'bounce', type: 'bounce', status: '5.1.1' }),
    event({ event: 'bounce', type: 'blocked', status: '5.7.1' }),
    event({ event: 'spamreport' }),
    event({ event: 'open', sg_machine_open: true }),
    event({ event: 'click', url: 'https://x.test', useragent: PERSON, action: 'act2' }),
    event({ event: 'deferred' }),
    { event: 'open' },
    'nonsense',
  ]);
  assert.deepEqual(
    told.map(({ key: of, feedback: { outcome, suppress, isMachine } }) => [
      of,
      outcome,
      suppress?.reason ?? null,
      isMachine,
    ]),
    [
      ['act1', 'received', null, false],
      ['act1', 'bounced', 'bounce', false],
      ['act1', 'bounced', null, false],
      ['act1', 'complained', 'complaint', false],
      ['act1', 'opened', null, true],
      ['act2', 'clicked', null, false],
    ],
  );
});

test('certificates of SNS come from Amazon alone', () => {
  assert.equal(isAmazons('https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem'), true);
  for (const url of [
    'http://sns.eu-central-1.amazonaws.com/x.pem',
    'https://sns.eu-central-1.amazonaws.com.evil.test/x.pem',
    'https://evil.test/sns.eu-central-1.amazonaws.com',
    'https://user@evil.test#sns.eu-central-1.amazonaws.com',
    '',
  ]) {
    assert.equal(isAmazons(url), false, url);
  }
});

test('events of SES become outcomes, by the tag or the Message-ID; a mailbox that is not there is suppressed', () => {
  const of = (message: object) =>
    sesFeedback(
      snsMessageOf({
        Type: 'Notification',
        MessageId: 'm',
        TopicArn: 't',
        Timestamp: '2026-01-01T00:00:00.000Z',
        Message: JSON.stringify({ mail: { messageId: 'ses1', tags: { 'tripline-action': ['act1'] } }, ...message }),
      })!,
    ).map(({ key, feedback: { id, outcome, reason, suppress, isMachine, address } }) => [
      key,
      id,
      outcome,
      reason,
      suppress?.reason ?? null,
      isMachine,
      address?.value ?? null,
    ]);
  const recipients = [
    { emailAddress: 'a@b.test', status: '5.1.1' },
    { emailAddress: 'c@d.test', status: '5.7.1' },
  ];
  assert.deepEqual(
    of({
      eventType: 'Bounce',
      bounce: { bounceType: 'Permanent', bounceSubType: 'General', bouncedRecipients: recipients },
    }),
    [
      ['act1', 'm:0', 'bounced', 'Permanent/General 5.1.1', 'bounce', false, 'a@b.test'],
      ['act1', 'm:1', 'bounced', 'Permanent/General 5.7.1', null, false, 'c@d.test'],
    ],
  );
  assert.equal(
    of({ eventType: 'Bounce', bounce: { bounceType: 'Transient', bouncedRecipients: recipients } })[0]![4],
    null,
  );
  assert.equal(
    of({ eventType: 'Complaint', complaint: { complainedRecipients: [{ emailAddress: 'a@b.test' }] } })[0]![4],
    'complaint',
  );
  assert.deepEqual(of({ notificationType: 'Delivery', delivery: {} })[0]!.slice(0, 3), ['act1', 'm:0', 'received']);
  assert.equal(of({ eventType: 'Click', click: { link: 'https://x.test', userAgent: 'Googlebot/2.1' } })[0]![5], true);
  const headers = [{ name: 'Message-ID', value: `<${'ab'.repeat(16)}@shop.test>` }];
  assert.equal(of({ eventType: 'Open', open: {}, mail: { headers } })[0]![0], 'ab'.repeat(16));
  assert.deepEqual(of({ eventType: 'Open', open: {}, mail: {} }), []);
  assert.equal(snsMessageOf({ Type: 'Other' }), null);
});

test('a message of SNS that is not signed is none', () => {
  const message = snsMessageOf({
    Type: 'Notification',
    MessageId: 'm',
    TopicArn: 't',
    Timestamp: 'x',
    Message: '{}',
    Signature: 'AA==',
  })!;
  assert.equal(isSnsSignature(message, 'no certificate'), false);
});

import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { smtpResult } from '../../../../connectors/channels/email/answers.ts';
import { FakeClock } from '../../../../testing/fake-clock.ts';
import { makeAction } from '../delivery/fake-context.ts';
import { openEmail, templatesOf } from '../kit.ts';
import { type Refusals, startSmtpServer } from './smtp-server.ts';

const BOUNCE = { suppress: { reason: 'bounce' } };
const SOFT = { suppress: { reason: 'bounce', soft: true } };

function meaningOf(response: string, command = 'RCPT TO') {
  const error = Object.assign(new Error('no'), { responseCode: Number(response.slice(0, 3)), response, command });
  return smtpResult(error);
}

test('an address that is not there, or is closed, bounces after one attempt (R2)', () => {
  for (const code of ['5.1.1', '5.1.2', '5.1.3', '5.1.6', '5.1.10', '5.2.1']) {
    const expected = { outcome: 'failed', reason: `SMTP 550 ${code}`, ...BOUNCE };
    assert.deepEqual(meaningOf(`550 ${code} no such user ann@example.com`), expected);
    assert.deepEqual(meaningOf(`550-${code} no such user\n550 ${code} ann`), expected);
  }
});

test('policy, reputation, content and our own sender never count against an address (R2)', () => {
  for (const code of ['5.7.1', '5.7.26', '5.7.606', '5.6.0', '5.3.4', '5.2.3', '5.4.1', '5.1.7', '5.1.8', '5.0.0']) {
    assert.deepEqual(meaningOf(`550 ${code} rejected`), { outcome: 'failed', reason: `SMTP 550 ${code}` });
  }
  assert.deepEqual(meaningOf('550 5.1.1 sender unknown', 'MAIL FROM'), { outcome: 'failed', reason: 'SMTP 550 5.1.1' });
  assert.deepEqual(meaningOf('550 blocked by a list'), { outcome: 'failed', reason: 'SMTP 550' });
  for (const code of ['4.7.1', '4.3.2', '4.4.1', '4.1.8']) {
    assert.deepEqual(meaningOf(`451 ${code} later`), { outcome: 'retry', reason: `SMTP 451 ${code}` });
  }
});

test('a mailbox that is full or busy is soft, whether it is tried again or not (R3)', () => {
  assert.deepEqual(meaningOf('552 5.2.2 full'), { outcome: 'failed', reason: 'SMTP 552 5.2.2', ...SOFT });
  for (const [reply, code] of [
    [452, '4.2.2'],
    [450, '4.2.1'],
    [450, '4.1.1'],
  ] as const) {
    const expected = { outcome: 'retry', reason: `SMTP ${reply} ${code}`, ...SOFT };
    assert.deepEqual(meaningOf(`${reply} ${code} later`), expected);
  }
  assert.deepEqual(meaningOf('450 busy'), { outcome: 'retry', reason: 'SMTP 450', ...SOFT });
  assert.deepEqual(meaningOf('450 busy', 'DATA'), { outcome: 'retry', reason: 'SMTP 450' });
  assert.deepEqual(meaningOf('451 local error'), { outcome: 'retry', reason: 'SMTP 451' });
});

async function refusedBy(t: TestContext, refusals: Refusals) {
  const { port } = await startSmtpServer(t, refusals);
  const templates = templatesOf({ 'cart/email': '---\nsubject: Hi\n---\nHello' });
  const options = { host: '127.0.0.1', port, from: 'Shop <hello@shop.test>' };
  const sender = openEmail(options, { clock: new FakeClock(), templates });
  t.after(() => sender.close());
  const context = { profile: { email: 'ann@example.com' } };
  const action = makeAction({ channel: 'email', template: 'cart', context });
  return sender.send(action, 1, new AbortController().signal);
}

test('a real server’s answers are read so', async (t) => {
  const unknown = await refusedBy(t, { at: 'rcpt', code: 550, message: '5.1.1 ann@example.com: no such user' });
  assert.deepEqual(unknown, { outcome: 'failed', reason: 'SMTP 550 5.1.1', ...BOUNCE });
  const blocked = await refusedBy(t, { at: 'data', code: 554, message: '5.7.1 looks like spam' });
  assert.deepEqual(blocked, { outcome: 'failed', reason: 'SMTP 554 5.7.1' });
  const sender = await refusedBy(t, { at: 'mail', code: 550, message: '5.1.1 you are nobody' });
  assert.deepEqual(sender, { outcome: 'failed', reason: 'SMTP 550 5.1.1' });
  const full = await refusedBy(t, { at: 'rcpt', code: 452, message: '4.2.2 full' });
  assert.deepEqual(full, { outcome: 'retry', reason: 'SMTP 452 4.2.2', ...SOFT });
});

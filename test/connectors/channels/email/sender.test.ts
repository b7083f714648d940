import assert from 'node:assert/strict';
import { createHash, createPublicKey, createVerify, generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:net';
import test, { type TestContext } from 'node:test';
import type { JsonObject } from '../../../../schemas/json.ts';
import { FakeClock } from '../../../../testing/fake-clock.ts';
import { makeAction } from '../delivery/fake-context.ts';
import { openEmail, templatesOf } from '../kit.ts';
import { startSmtpServer } from './smtp-server.ts';

const NO_ABORT = new AbortController().signal;
const BOUND = { timeout: 20_000 };

type SenderOptions = Parameters<typeof openEmail>[0];

const TEMPLATES = templatesOf({
  'cart/email':
    '---\nsubject: Your cart, {{ profile.name }}\n---\n<p>Use <b>{{ data.coupon }}</b>.</p><a href="https://shop.test/?a=1&amp;b=2">Shop</a>',
  'cart/email.de': '---\nsubject: Ihr Warenkorb\n---\nHallo {{ profile.name }}',
  'plain/email': 'A < B & {{ data.coupon }}',
});

function senderFor(t: TestContext, port: number, options: Partial<SenderOptions> = {}, clock = new FakeClock()) {
  const sender = openEmail(
    { host: '127.0.0.1', port, from: 'Shop <hello@shop.test>', ...options },
    { clock, templates: TEMPLATES },
  );
  t.after(() => sender.close());
  return sender;
}

function action(profile: JsonObject, fields: Parameters<typeof makeAction>[0] = {}) {
  return makeAction({
    id: 'act1',
    channel: 'email',
    template: 'cart',
    data: { coupon: 'SAVE10' },
    context: { profile: { name: 'Ann', ...profile } },
    ...fields,
  });
}

test('a message reaches the server with its subject, both bodies and the sender', async (t) => {
  const server = await startSmtpServer(t);
  const result = await senderFor(t, server.port).send(action({ email: 'ann@example.com' }), 1, NO_ABORT);
  assert.deepEqual(result, { outcome: 'delivered', providerId: '<act1@shop.test>' });
  const [{ from, to, email }] = server.taken as [(typeof server.taken)[0]];
  assert.equal(from, 'hello@shop.test');
  assert.deepEqual(to, ['ann@example.com']);
  assert.equal(email.subject, 'Your cart, Ann');
  assert.deepEqual([email.from?.name, email.from?.address], ['Shop', 'hello@shop.test']);
  assert.deepEqual(
    email.to?.map(({ address }) => address),
    ['ann@example.com'],
  );
  assert.match(email.html!, /<p>Use <b>SAVE10<\/b>\.<\/p>/);
  assert.equal(email.text!.trim(), 'Use SAVE10.\n\nShop (https://shop.test/?a=1&b=2)');
  assert.equal(email.date, '2026-01-01T00:00:00.000Z');
});

test('the Message-ID is the same on every attempt (M2)', async (t) => {
  const server = await startSmtpServer(t);
  const sender = senderFor(t, server.port);
  for (const attempt of [1, 2]) await sender.send(action({ email: 'ann@example.com' }), attempt, NO_ABORT);
  assert.deepEqual(
    server.taken.map(({ email }) => email.messageId),
    ['<act1@shop.test>', '<act1@shop.test>'],
  );
});

test('the person’s locale chooses the template; a plain one is sent as plain text only', async (t) => {
  const server = await startSmtpServer(t);
  await senderFor(t, server.port).send(action({ email: 'ann@example.com', locale: 'de-AT' }), 1, NO_ABORT);
  const { email } = server.taken[0]!;
  assert.equal(email.subject, 'Ihr Warenkorb');
  assert.equal(email.text!.trim(), 'Hallo Ann');
  assert.equal(email.html, undefined);
});

test('without a subject of its own a template has the channel’s, and without that it fails by name', async (t) => {
  const server = await startSmtpServer(t);
  const plain = action({ email: 'ann@example.com' }, { template: 'plain' });
  await senderFor(t, server.port, { subject: 'News of {{ rule }}' }).send(plain, 1, NO_ABORT);
  assert.equal(server.taken[0]!.email.subject, 'News of cart-abandonment');
  assert.equal(server.taken[0]!.email.text!.trim(), 'A < B & SAVE10');
  assert.deepEqual(await senderFor(t, server.port).send(plain, 1, NO_ABORT), {
    outcome: 'failed',
    reason: 'template plain/email.liquid has no subject, and channels.email no default',
    code: 'TRG_TEMPLATE_FAILED',
  });
});

test('a person without an address is skipped, unless `to` has one', async (t) => {
  const server = await startSmtpServer(t);
  const nobody = action({});
  assert.deepEqual(await senderFor(t, server.port).send(nobody, 1, NO_ABORT), {
    outcome: 'skipped',
    reason: 'no-address',
  });
  const to = '{{ entity.id }}@people.test';
  await senderFor(t, server.port, { to }).send(nobody, 1, NO_ABORT);
  await senderFor(t, server.port, { to }).send(action({ email: 'ann@example.com' }), 1, NO_ABORT);
  assert.deepEqual(
    server.taken.map((taken) => taken.to),
    [['u1@people.test'], ['ann@example.com']],
  );
});

test('an address that is more than one address, or none, is skipped (M1)', async (t) => {
  const server = await startSmtpServer(t);
  const sender = senderFor(t, server.port);
  for (const email of [
    'ann@example.com, eve@evil.test',
    'ann@example.com\r\nBcc: eve@evil.test',
    'Ann <ann@example.com>',
    'group:ann@example.com;',
    '"a b"@example.com',
    'ann',
    '@example.com',
    'ann@',
    7,
    { a: 1 },
    `${'a'.repeat(65)}@example.com`,
    `a@${'b'.repeat(245)}.example`,
  ]) {
    const result = await sender.send(action({ email }), 1, NO_ABORT);
    assert.deepEqual(result, { outcome: 'skipped', reason: 'no-address' }, String(email));
  }
  assert.deepEqual(server.taken, []);
});

test('what people typed adds no header (M1)', async (t) => {
  const server = await startSmtpServer(t);
  const evil = 'Ann\r\nBcc: eve@evil.test\r\n\r\n<script>alert(1)</script>';
  await senderFor(t, server.port).send(action({ email: 'ann@example.com', name: evil }), 1, NO_ABORT);
  const { email, to } = server.taken[0]!;
  assert.deepEqual(to, ['ann@example.com']);
  assert.equal(email.subject, 'Your cart, Ann Bcc: eve@evil.test <script>alert(1)</script>');
  assert.equal(email.bcc, undefined);
  assert.ok(!email.headers.some(({ key }) => key === 'bcc'));
});

for (const at of ['mail', 'rcpt', 'data'] as const) {
  test(`a 4xx reply to ${at} is tried again, a 5xx reply is final (R1)`, async (t) => {
    const busy = await startSmtpServer(t, { at, code: 451, message: '4.3.0 try later, ann@example.com' });
    const ann = action({ email: 'ann@example.com' });
    assert.deepEqual(await senderFor(t, busy.port).send(ann, 1, NO_ABORT), {
      outcome: 'retry',
      reason: 'SMTP 451 4.3.0',
    });
    const unknown = await startSmtpServer(t, { at, code: 550, message: '5.1.1 no such user ann@example.com' });
    assert.deepEqual(await senderFor(t, unknown.port).send(ann, 1, NO_ABORT), {
      outcome: 'failed',
      reason: 'SMTP 550 5.1.1',
      // Of a sender that is refused nothing follows for the recipient.
      ...(at !== 'mail' && { suppress: { reason: 'bounce' } }),
    });
  });
}

test('a refused message does not spoil the connection for the next', async (t) => {
  let refuse = true;
  const server = await startSmtpServer(
    t,
    {},
    {
      onRcptTo: (_address, _session, callback) =>
        callback(refuse ? Object.assign(new Error('no'), { responseCode: 550 }) : null),
    },
  );
  const sender = senderFor(t, server.port);
  assert.equal((await sender.send(action({ email: 'no@example.com' }), 1, NO_ABORT)).outcome, 'failed');
  refuse = false;
  assert.equal((await sender.send(action({ email: 'ann@example.com' }), 1, NO_ABORT)).outcome, 'delivered');
});

test('connections are kept, and no more than `concurrency` are made', async (t) => {
  const server = await startSmtpServer(t);
  const sender = senderFor(t, server.port, { concurrency: 2 });
  const sends = Array.from({ length: 10 }, () => sender.send(action({ email: 'ann@example.com' }), 1, NO_ABORT));
  assert.deepEqual(await Promise.all(sends), Array(10).fill({ outcome: 'delivered', providerId: '<act1@shop.test>' }));
  assert.deepEqual(
    server.taken.map(({ to }) => to),
    Array(10).fill(['ann@example.com']),
  );
  assert.ok(server.connections() <= 2, `${server.connections()} connections`);
});

test('a refused log-in is tried again: it is no property of the message (R1)', async (t) => {
  const server = await startSmtpServer(
    t,
    {},
    {
      disabledCommands: ['STARTTLS'],
      allowInsecureAuth: true,
      onAuth: (_auth, _session, callback) => callback(Object.assign(new Error('5.7.8 no'), { responseCode: 535 })),
    },
  );
  const sender = senderFor(t, server.port, { username: 'me', password: 'wrong' });
  const result = await sender.send(action({ email: 'ann@example.com' }), 1, NO_ABORT);
  assert.deepEqual(result, { outcome: 'retry', reason: 'SMTP 535 5.7.8' });
});

test('requireTls sends nothing in the clear', async (t) => {
  const server = await startSmtpServer(t);
  const result = await senderFor(t, server.port, { requireTls: true }).send(
    action({ email: 'ann@example.com' }),
    1,
    NO_ABORT,
  );
  assert.notEqual(result.outcome, 'delivered');
  assert.deepEqual(server.taken, []);
});

test('a server that cannot be reached, or hangs up, is tried again (R1)', async (t) => {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const sender = senderFor(t, port);
  assert.equal((await sender.send(action({ email: 'ann@example.com' }), 1, NO_ABORT)).outcome, 'retry');
  await new Promise((resolve) => server.close(resolve));
  const refused = await sender.send(action({ email: 'ann@example.com' }), 2, NO_ABORT);
  assert.equal(refused.outcome, 'retry');
  assert.match((refused as { reason: string }).reason, /^no connection: /);
});

for (const when of ['before it greets', 'amid a message'] as const) {
  test(`a server that hangs up ${when} is asked once: each further attempt is the connector’s`, BOUND, async (t) => {
    let connections = 0;
    const server = createServer((socket) => {
      connections++;
      socket.on('error', () => {});
      if (when === 'before it greets') {
        socket.destroy();
        return;
      }
      socket.write('220 mail.test\r\n');
      socket.on('data', (chunk: Buffer) => {
        if (/^EHLO/i.test(String(chunk))) socket.write('250 mail.test\r\n');
        else socket.destroy();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => new Promise((resolve) => server.close(resolve)));
    const sender = senderFor(t, (server.address() as { port: number }).port);
    const result = await sender.send(action({ email: 'ann@example.com' }), 1, NO_ABORT);
    assert.equal(result.outcome, 'retry');
    assert.match((result as { reason: string }).reason, /^no connection: /);
    assert.equal(connections, 1);
  });
}

test('a server that never says a word is given up after two minutes', async (t) => {
  const clock = new FakeClock();
  let connected = (): void => {};
  const connection = new Promise<void>((resolve) => (connected = resolve));
  const server = createServer((socket) => {
    t.after(() => {
      socket.destroy();
      return new Promise((resolve) => server.close(resolve));
    });
    connected();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const sending = senderFor(t, (server.address() as { port: number }).port, {}, clock).send(
    action({ email: 'ann@example.com' }),
    1,
    NO_ABORT,
  );
  await connection;
  await clock.advance(120_000);
  assert.deepEqual(await sending, { outcome: 'retry', reason: 'no answer within 120 s' });
});

test('one-click unsubscription is announced when its URL is configured, and only then (RFC 8058)', async (t) => {
  const server = await startSmtpServer(t);
  const ann = action({ email: 'ann@example.com' });
  await senderFor(t, server.port).send(ann, 1, NO_ABORT);
  const unsubscribeUrl = 'https://shop.test/u/{{ entity.id | url_encode }}?r={{ rule }}';
  await senderFor(t, server.port, { unsubscribeUrl }).send(ann, 1, NO_ABORT);
  const [without, withUrl] = server.taken.map(
    ({ email }) => new Map(email.headers.map(({ key, value }) => [key, value])),
  );
  assert.equal(without!.has('list-unsubscribe'), false);
  assert.equal(withUrl!.get('list-unsubscribe'), '<https://shop.test/u/u1?r=cart-abandonment>');
  assert.equal(withUrl!.get('list-unsubscribe-post'), 'List-Unsubscribe=One-Click');
});

test('an unsubscribe URL that is none is a failed template, not a header', async (t) => {
  const server = await startSmtpServer(t);
  const sender = senderFor(t, server.port, { unsubscribeUrl: '{{ data.url }}' });
  for (const url of ['javascript:alert(1)', 'nonsense', '']) {
    const evil = action({ email: 'ann@example.com' }, { data: { url } });
    assert.equal((await sender.send(evil, 1, NO_ABORT)).outcome, 'failed');
  }
  assert.deepEqual(server.taken, []);
});

test('DKIM signs the message and both unsubscribe headers; the signature is verified here by RFC 6376', async (t) => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const server = await startSmtpServer(t);
  const sender = senderFor(t, server.port, {
    unsubscribeUrl: 'https://shop.test/u/{{ entity.id }}',
    dkim: {
      domain: 'shop.test',
      selector: 's1',
      privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    },
  });
  await sender.send(action({ email: 'ann@example.com' }), 1, NO_ABORT);
  const { raw } = server.taken[0]!;
  const split = raw.indexOf('\r\n\r\n');
  const fields = raw.slice(0, split).split(/\r\n(?![ \t])/);
  const body = `${raw
    .slice(split + 4)
    .replaceAll(/[ \t]+\r\n/g, '\r\n')
    .replaceAll(/[ \t]+/g, ' ')
    .replace(/(\r\n)*$/, '')}\r\n`;
  const signature = fields.find((field) => /^dkim-signature:/i.test(field))!;
  const tags = new Map(
    signature
      .slice(signature.indexOf(':') + 1)
      .split(';')
      .map((tag) => {
        const [name, ...value] = tag.split('=');
        return [name!.trim(), value.join('=').replaceAll(/\s+/g, '')] as const;
      }),
  );
  assert.deepEqual([tags.get('d'), tags.get('s'), tags.get('c')], ['shop.test', 's1', 'relaxed/relaxed']);
  const signed = tags.get('h')!.toLowerCase().split(':');
  assert.ok(signed.includes('list-unsubscribe') && signed.includes('list-unsubscribe-post'));
  assert.equal(tags.get('bh'), createHash('sha256').update(body).digest('base64'));
  const relaxed = (field: string): string => {
    const colon = field.indexOf(':');
    return `${field.slice(0, colon).toLowerCase().trim()}:${field
      .slice(colon + 1)
      .replaceAll(/\s+/g, ' ')
      .trim()}`;
  };
  const canonical = signed.map(
    (name) => `${relaxed(fields.find((field) => field.toLowerCase().startsWith(`${name}:`))!)}\r\n`,
  );
  const unsigned = relaxed(signature).replace(/(\bb=)[^;]*$/, '$1');
  const verifier = createVerify('sha256').update(canonical.join('') + unsigned);
  assert.ok(
    verifier.verify(createPublicKey(publicKey.export({ type: 'spki', format: 'pem' })), tags.get('b')!, 'base64'),
  );
});

test('a missing template is final, with its code', async (t) => {
  const server = await startSmtpServer(t);
  const result = await senderFor(t, server.port).send(
    action({ email: 'ann@example.com' }, { template: 'x' }),
    1,
    NO_ABORT,
  );
  assert.deepEqual(result, {
    outcome: 'failed',
    reason: 'there is no template x/email.liquid',
    code: 'TRG_TEMPLATE_FAILED',
  });
});

test('a closed sender sends no more', async (t) => {
  const server = await startSmtpServer(t);
  const sender = senderFor(t, server.port);
  await sender.close();
  await sender.close();
  assert.equal((await sender.send(action({ email: 'ann@example.com' }), 1, NO_ABORT)).outcome, 'retry');
  assert.deepEqual(server.taken, []);
});

import assert from 'node:assert/strict';
import type { LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import test from 'node:test';
import { isPrivateAddress, isPrivateHost, publicLookup } from '../../../connectors/http/private-address.ts';
import { FakeClock } from '../../../testing/fake-clock.ts';
import { makeAction } from '../channels/delivery/fake-context.ts';
import { openWebhook } from '../channels/kit.ts';
import { startReceiver } from '../channels/webhook/receiver.ts';

const NO_ABORT = new AbortController().signal;

/** DNS that gives these answers in turn, the last one for ever. */
function dns(...answers: LookupAddress[][]): LookupFunction & { asked: number } {
  const lookup = ((_hostname, _options, callback) => {
    const answer = answers[Math.min(lookup.asked++, answers.length - 1)]!;
    callback(null, answer);
  }) as LookupFunction & { asked: number };
  lookup.asked = 0;
  return lookup;
}

const PRIVATE = [
  '127.0.0.1',
  '127.255.255.255',
  '10.1.2.3',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '169.254.169.254',
  '100.64.0.1',
  '100.127.255.255',
  '192.0.0.8',
  '192.0.2.1',
  '192.88.99.1',
  '198.18.0.1',
  '198.19.255.255',
  '198.51.100.1',
  '203.0.113.1',
  '239.255.255.255',
  '240.0.0.1',
  '0.0.0.0',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  'fe80::1',
  'fe80::1%eth0',
  'fc00::1',
  'fd12:3456::1',
  'ff02::1',
  '::ffff:127.0.0.1',
  '::ffff:10.0.0.1',
  '::ffff:a9fe:a9fe',
  '::127.0.0.1',
  '64:ff9b::10.0.0.1',
  '64:ff9b::10.255.255.255',
  '64:ff9b:1::1',
  '2002:7f00:1::',
  '2002:7fff:ffff::',
  '2002:a9fe:a9fe::',
  '100::1',
  '2001::1',
  '2001:db8::1',
  'fec0::1',
  'not an address',
];

const PUBLIC = [
  '8.8.8.8',
  '172.15.255.255',
  '172.32.0.1',
  '100.63.255.255',
  '100.128.0.1',
  '9.255.255.255',
  '11.0.0.1',
  '126.255.255.255',
  '128.0.0.1',
  '169.253.255.255',
  '169.255.0.1',
  '192.0.1.1',
  '192.167.255.255',
  '192.169.0.1',
  '198.17.255.255',
  '198.20.0.1',
  '223.255.255.255',
  '2606:4700::1111',
  '2606:4700::1111%eth0',
  '2001:4860::8888',
  '64:ff9c::1',
  '::ffff:8.8.8.8',
  '64:ff9b::8.8.8.8',
  '2002:808:808::1',
];

test('private, loopback, link-local, unique-local and mapped addresses are private, public ones are not', () => {
  for (const address of PRIVATE) assert.equal(isPrivateAddress(address), true, address);
  for (const address of PUBLIC) assert.equal(isPrivateAddress(address), false, address);
});

test('a URL’s host is judged however it is written', () => {
  for (const text of [
    'http://127.0.0.1/',
    'http://2130706433/',
    'http://0x7f.1/',
    'http://017700000001/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://localhost/',
    'http://LOCALHOST./',
    'http://api.localhost/',
  ]) {
    assert.equal(isPrivateHost(new URL(text).hostname), true, text);
  }
  for (const text of ['http://hooks.example.com/', 'http://8.8.8.8/', 'http://localhost.example.com/']) {
    assert.equal(isPrivateHost(new URL(text).hostname), false, text);
  }
});

test('of a name’s addresses only the public ones are handed on, and DNS is asked once for both (N1)', async () => {
  const lookup = dns(
    [
      { address: '10.0.0.1', family: 4 },
      { address: '8.8.8.8', family: 4 },
    ],
    [{ address: '10.0.0.1', family: 4 }],
  );
  const handedOn = await new Promise((resolve, reject) => {
    publicLookup(lookup)('hooks.example.com', { all: true }, (error, found) =>
      error ? reject(error) : resolve(found),
    );
  });
  assert.deepEqual(handedOn, [{ address: '8.8.8.8', family: 4 }]);
  assert.equal(lookup.asked, 1);
});

test('who asks for one address gets the first public one', async () => {
  const lookup = dns([
    { address: '::1', family: 6 },
    { address: '8.8.8.8', family: 4 },
  ]);
  const handedOn = await new Promise((resolve) => {
    publicLookup(lookup)('hooks.example.com', {}, (_error, address, family) => resolve([address, family]));
  });
  assert.deepEqual(handedOn, ['8.8.8.8', 4]);
});

test('a name that leads to a private address is refused, and nothing arrives there (W3)', async (t) => {
  const { port, received } = await startReceiver(t);
  const lookup = dns([{ address: '127.0.0.1', family: 4 }]);
  const sender = openWebhook({ url: `http://hooks.example.com:${port}/` }, { clock: new FakeClock(), lookup });
  t.after(() => sender.close());
  assert.deepEqual(await sender.send(makeAction(), 1, NO_ABORT), {
    outcome: 'failed',
    reason: 'private address refused',
  });
  assert.deepEqual(received, []);
});

test('every connection is checked again, so a name that turns private later gains nothing (W3)', async (t) => {
  const { port, received } = await startReceiver(t);
  const lookup = dns([], [{ address: '127.0.0.1', family: 4 }], [{ address: '::1', family: 6 }]);
  const sender = openWebhook({ url: `http://hooks.example.com:${port}/` }, { clock: new FakeClock(), lookup });
  t.after(() => sender.close());
  for (let attempt = 1; attempt <= 3; attempt++) {
    assert.equal((await sender.send(makeAction(), attempt, NO_ABORT)).outcome, 'failed');
    assert.equal(lookup.asked, attempt);
  }
  assert.deepEqual(received, []);
});

test('with allowPrivate the same name is delivered to', async (t) => {
  const { port, received } = await startReceiver(t);
  const lookup = dns([{ address: '127.0.0.1', family: 4 }]);
  const options = { url: `http://hooks.example.com:${port}/`, allowPrivate: true };
  const sender = openWebhook(options, { clock: new FakeClock(), lookup });
  t.after(() => sender.close());
  assert.equal((await sender.send(makeAction(), 1, NO_ABORT)).outcome, 'delivered');
  assert.equal(received[0]!.headers.host, `hooks.example.com:${port}`);
});

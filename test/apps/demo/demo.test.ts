import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const LAUNCHER = fileURLToPath(new URL('../../../bin/tripline', import.meta.url));

test('the demo ends by itself without a terminal, every message delivered or taken back by a purchase, with its counts in the last line', {
  timeout: 120_000,
}, async (t) => {
  const child = spawn(LAUNCHER, ['demo'], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
  const [code] = await once(child, 'close');
  assert.equal(code, 0);
  const last = out.trimEnd().split('\n').at(-1)!;
  const counts = /^demo: 16302 events, 1288 fired, 334 suppressed, (\d+) delivered$/.exec(last);
  assert.ok(counts, last);
  // How many are still to be sent when a purchase of two years ago is read depends on how fast they go out.
  const cancelled = /^cart-recovery .* cancelled (\d+)$/m.exec(out)?.[1] ?? '0';
  assert.equal(Number(counts[1]) + Number(cancelled), 2_003);
  assert.doesNotMatch(out, /(failed|expired) \d+/);
  assert.match(out, /^mail {7}to user_\d+@shop\.test: /m);
  assert.match(out, /^webhook {4}/m);
  const story = out.slice(out.indexOf('Five VIPs')).split('\n').slice(1, 6);
  assert.deepEqual(story, [
    'ann  has a mobile            sms delivered',
    'ben  has a landline          sms failed (Twilio 21614: not a mobile number), then push delivered',
    'cem  said no to texts        sms passed over (consent), then push delivered',
    'dan  has a landline, no app  push passed over (unreachable), then sms failed (Twilio 21614: not a mobile number), ' +
      'then inapp delivered',
    'eve  said no to everything   nothing is sent: consent',
  ]);
  const received = /^received: mails (\d+), webhooks (\d+), texts 1, pushes 2$/m.exec(out);
  assert.ok(received, out.slice(-2_000));
  assert.equal(Number(received[1]) + Number(received[2]), Number(counts[1]));
});

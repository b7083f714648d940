import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const LAUNCHER = fileURLToPath(new URL('../../../bin/tripline', import.meta.url));

test('the demo ends by itself without a terminal, everything that fired delivered, with its counts in the last line', {
  timeout: 120_000,
}, async (t) => {
  const child = spawn(LAUNCHER, ['demo'], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
  const [code] = await once(child, 'close');
  assert.equal(code, 0);
  const last = out.trimEnd().split('\n').at(-1)!;
  assert.equal(last, 'demo: 16302 events, 1716 fired, 329 suppressed, 1716 delivered');
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
  assert.match(out, /^received: mails 1254, webhooks 462, texts 1, pushes 2$/m);
});

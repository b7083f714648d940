import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { readableLine } from '../../lib/readable-log.ts';

const LINE = { level: 40, time: Date.UTC(2026, 0, 1, 9, 5, 7), name: 'shop', msg: 'a delivery failed' };

test('a line has time, level, message and fields, without colours where none are wanted', () => {
  const text = readableLine(JSON.stringify({ ...LINE, channel: 'webhook', reason: 'HTTP 503', attempt: 2 }), false);
  assert.equal(text, '09:05:07 warn  a delivery failed  channel=webhook reason="HTTP 503" attempt=2');
});

test('colours are only added around the same words', () => {
  const line = JSON.stringify({ ...LINE, channel: 'webhook' });
  const coloured = readableLine(line, true);
  assert.notEqual(coloured, readableLine(line, false));
  assert.equal(stripVTControlCharacters(coloured), readableLine(line, false));
});

test('what a field holds stays on its line and controls no terminal (R1); a long one is left to JSON', () => {
  const text = readableLine(
    JSON.stringify({ ...LINE, msg: 'a\nb', error: '\u001b[2J\u009b', config: { a: 'x'.repeat(200) } }),
    false,
  );
  assert.doesNotMatch(text, /\p{Cc}/u);
  assert.match(text, /config=… \(LOG_FORMAT=json shows it\)$/);
});

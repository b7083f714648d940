import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { nextDelayMs, parseRetryAfter, RETRY_SCHEDULE_MS } from '../../../../connectors/channels/delivery/backoff.ts';
import { seededRng } from '../../../../lib/rng.ts';

const NO_JITTER = { next: () => 0 };
const MOST_JITTER = { next: () => 1 - Number.EPSILON };

test('the schedule is that of Standard Webhooks, and then it ends (B3)', () => {
  const delays = [1, 2, 3, 4, 5, 6, 7].map((attempts) => nextDelayMs(attempts, { rng: NO_JITTER }));
  assert.deepEqual(delays, [5_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000, null]);
});

test('jitter only lengthens, at most threefold, and is the same for the same seed (B2)', () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.integer({ min: 1, max: 6 }),
      fc.option(fc.nat(86_400_000)),
      (seed, attempts, asked) => {
        const options = asked === null ? {} : { retryAfterMs: asked };
        const base = asked ?? RETRY_SCHEDULE_MS[attempts - 1]!;
        const delay = nextDelayMs(attempts, { ...options, rng: seededRng(seed) })!;
        assert.ok(delay >= base && delay <= 3 * base, `${delay} of ${base}`);
        assert.equal(delay, nextDelayMs(attempts, { ...options, rng: seededRng(seed) }));
      },
    ),
  );
});

test('jitter does spread', () => {
  assert.ok(nextDelayMs(1, { rng: MOST_JITTER })! > 1.2 * nextDelayMs(1, { rng: NO_JITTER })!);
});

test('Retry-After replaces the delay, shorter or longer, but asks for no more than a day (B1)', () => {
  assert.equal(nextDelayMs(3, { retryAfterMs: 1_000, rng: NO_JITTER }), 1_000);
  assert.equal(nextDelayMs(1, { retryAfterMs: 0, rng: NO_JITTER }), 0);
  assert.equal(nextDelayMs(1, { retryAfterMs: 3_600_000, rng: NO_JITTER }), 3_600_000);
  assert.equal(nextDelayMs(1, { retryAfterMs: 1e12, rng: NO_JITTER }), 86_400_000);
});

test('Retry-After gives no attempt beyond the last', () => {
  assert.equal(nextDelayMs(7, { retryAfterMs: 1_000, rng: NO_JITTER }), null);
});

test('Retry-After is read as seconds or as an HTTP date', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  assert.equal(parseRetryAfter('120', now), 120_000);
  assert.equal(parseRetryAfter(' 0 ', now), 0);
  assert.equal(parseRetryAfter('Thu, 01 Jan 2026 00:01:00 GMT', now), 60_000);
  assert.equal(parseRetryAfter('Wed, 31 Dec 2025 00:00:00 GMT', now), 0);
  for (const text of [undefined, '', '-1', '1.5', 'soon', '99999999999']) {
    assert.equal(parseRetryAfter(text, now), undefined, text);
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  both,
  isConfirmedYes,
  isYes,
  type SaidAt,
  saidIn,
  type Wish,
  wishAfter,
  wishSince,
} from '../../schemas/consent-wish.ts';

const said = fc.record({ allowed: fc.boolean(), at: fc.integer({ min: 0, max: 4 }), isConfirmed: fc.boolean() });

const wishOf = (all: readonly SaidAt[]): Wish | undefined =>
  all.reduce<Wish | undefined>((wish, each) => wishAfter(wish, each), undefined);

test('in whatever order and by whatever readers, what was said comes to the same (W1)', () => {
  fc.assert(
    fc.property(fc.array(said, { minLength: 1, maxLength: 8 }), fc.nat(), (all, cut) => {
      const whole = wishOf(all)!;
      assert.deepEqual(wishOf([...all].reverse()), whole);
      const at = cut % all.length;
      const [one, other] = [wishOf(all.slice(0, at)), wishOf(all.slice(at))];
      assert.deepEqual(one === undefined ? other : both(one, other!), whole);
    }),
  );
});

test('the last that was said holds, of one moment the no (W2); a confirmed yes holds until a no, to it or to everything', () => {
  fc.assert(
    fc.property(fc.array(said, { minLength: 1, maxLength: 8 }), fc.array(said, { maxLength: 3 }), (all, ofAll) => {
      const last = Math.max(...all.map(({ at }) => at));
      const isLastYes = all.every(({ at, allowed }) => at < last || allowed);
      assert.equal(isYes(wishOf(all)!), isLastYes);
      const noes = [...all, ...ofAll].filter(({ allowed }) => !allowed).map(({ at }) => at);
      const isConfirmed = all.some(
        ({ allowed, isConfirmed: confirmed, at }) => allowed && confirmed && noes.every((no) => no < at),
      );
      assert.equal(isConfirmedYes(wishOf(all), wishOf(ofAll)), isConfirmed);
    }),
  );
});

test('what was said up to a time is forgotten, and later words stay', () => {
  const wish = wishOf([
    { allowed: true, at: 1, isConfirmed: true },
    { allowed: true, at: 3, isConfirmed: false },
    { allowed: false, at: 2, isConfirmed: false },
  ])!;
  assert.deepEqual(wishSince(wish, 2), { yesAt: 3, confirmedAt: -1, noAt: -1 });
  assert.equal(wishSince(wish, 3), null);
});

test('a record says each of its parts, and nothing that is neither yes nor no', () => {
  const record = { all: false, categories: { news: true, odd: 'yes' }, channels: { sms: false } };
  assert.deepEqual(saidIn(record), [
    ['news', true],
    ['channel:sms', false],
    ['*', false],
  ]);
  assert.deepEqual(saidIn({ categories: null, channels: [] }), []);
});

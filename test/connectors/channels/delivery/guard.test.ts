import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FakeClock } from '../../../../testing/fake-clock.ts';
import { makeAction } from './fake-context.ts';
import { testDesk, writtenFacts } from './test-desk.ts';

const EMAIL = { kind: 'email', value: 'Ann@Example.test ' } as const;
const CHANGES = 'tripline.consent-changes';

function guarded(options: { readonly channel?: string; readonly isSandbox?: boolean } = {}) {
  const facts = writtenFacts();
  const clock = new FakeClock();
  const { guard } = testDesk({ channel: 'email', clock, facts, ...options });
  return { facts, clock, guard };
}

test('who said no to everything, to the category or to the channel gets nothing; who said nothing does', () => {
  const { facts, guard } = guarded();
  const action = (id: string) => makeAction({ entity: { type: 'user', id }, category: 'promotions' });
  assert.equal(guard.refusal(action('u0'), null), null);
  facts.write(CHANGES, 'u1', { all: false });
  facts.write(CHANGES, 'u2', { categories: { promotions: false } });
  facts.write(CHANGES, 'u3', { channels: { email: false } });
  facts.write(CHANGES, 'u4', { channels: { sms: false }, categories: { news: false } });
  for (const id of ['u1', 'u2', 'u3']) assert.equal(guard.refusal(action(id), null), 'consent', id);
  assert.equal(guard.refusal(action('u4'), null), null);
});

test('an opt-in category wants a yes, one that is always allowed asks nobody', () => {
  const { facts, guard } = guarded();
  const news = makeAction({ category: 'news' });
  assert.equal(guard.refusal(news, null), 'consent');
  facts.write(CHANGES, 'u1', { categories: { news: true } });
  assert.equal(guard.refusal(news, null), null);
  facts.write(CHANGES, 'u1', { all: false }, 1);
  assert.equal(guard.refusal(news, null), 'consent');
  assert.equal(guard.refusal(makeAction({ category: 'security' }), null), null);
});

test('a channel that reaches programs asks no consent', () => {
  const { facts, guard } = guarded({ channel: 'webhook' });
  facts.write(CHANGES, 'u1', { all: false });
  assert.equal(guard.refusal(makeAction(), null), null);
});

test('whole records and changes are merged field by field: the later wins, and of two of one time the no (K1)', () => {
  const wish = fc.record({
    isWhole: fc.boolean(),
    about: fc.constantFrom('all', 'categories', 'channels'),
    allowed: fc.boolean(),
    at: fc.integer({ min: 1, max: 4 }),
  });
  fc.assert(
    fc.property(fc.array(wish, { maxLength: 8 }), (wishes) => {
      const { facts, guard } = guarded();
      const wholes = wishes.filter(({ isWhole }) => isWhole).sort((a, b) => a.at - b.at);
      for (const { isWhole, about, allowed, at } of [...wholes, ...wishes.filter((each) => !each.isWhole)]) {
        const value =
          about === 'all' ? { all: allowed } : { [about]: { [about === 'channels' ? 'email' : 'c']: allowed } };
        if (isWhole) facts.write('tripline.consent', 'u1', value, at);
        else facts.write(CHANGES, 'u1', { userId: 'u1', ...value, timestamp: new Date(at).toISOString() }, 99);
      }
      const newestWhole = wholes.at(-1);
      const counting = wishes.filter((each) => !each.isWhole || each === newestWhole);
      const isRefused = ['all', 'categories', 'channels'].some((about) => {
        const ofField = counting.filter((each) => each.about === about);
        const last = Math.max(...ofField.map(({ at }) => at));
        return ofField.some(({ at, allowed }) => at === last && !allowed);
      });
      assert.equal(guard.refusal(makeAction({ category: 'c' }), null), isRefused ? 'consent' : null);
    }),
    { numRuns: 300 },
  );
});

test('a record of consent that cannot be read changes nothing, one without a value takes back the whole record (K2)', () => {
  const { facts, guard } = guarded();
  facts.write('tripline.consent', 'u1', { all: false });
  facts.write('tripline.consent', 'u1', 'no json');
  facts.write(CHANGES, 'u1', 'no json');
  assert.equal(guard.refusal(makeAction(), null), 'consent');
  facts.write('tripline.consent', 'u1', null);
  assert.equal(guard.refusal(makeAction(), null), null);
});

test('an address that is suppressed gets nothing, however it is written, and whosever it is; lifted it does', () => {
  const { facts, guard } = guarded();
  const suppression = {
    kind: 'email',
    address: 'ann@example.test',
    reason: 'bounce',
    at: 1,
    source: 'email',
    entities: [],
  };
  facts.write('tripline.suppressions', 'email:ann@example.test', suppression);
  assert.equal(guard.refusal(makeAction({ entity: { type: 'user', id: 'other' } }), EMAIL), 'suppressed');
  assert.equal(guard.refusal(makeAction(), { kind: 'email', value: 'bob@example.test' }), null);
  assert.equal(guard.refusal(makeAction(), { kind: 'phone', value: 'ann@example.test' }), null);
  facts.write('tripline.suppressions', 'email:ann@example.test', null);
  assert.equal(guard.refusal(makeAction(), EMAIL), null);
});

test('what is no longer valid is expired, from the first ms after', async () => {
  const { clock, guard } = guarded();
  const action = makeAction({ validUntil: clock.now() + 1_000 });
  await clock.advance(1_000);
  assert.equal(guard.refusal(action, null), null);
  await clock.advance(1);
  assert.equal(guard.refusal(action, null), 'expired');
});

test('a flow that was cancelled since sends no more; another of the person, and a later run of it, do', () => {
  const { facts, guard } = guarded();
  const action = makeAction({ flow: 'onboarding', at: 1_000 });
  facts.write('shop-cancellations', 'u1', { flow: 'onboarding', at: 2_000 });
  facts.write('shop-cancellations', 'u1', { flow: 'win-back', at: 500 });
  assert.equal(guard.refusal(action, null), 'cancelled');
  assert.equal(guard.refusal({ ...action, flow: 'win-back' }, null), null);
  assert.equal(guard.refusal({ ...action, at: 2_001 }, null), null);
  assert.equal(guard.refusal({ ...action, flow: null }, null), null);
});

test('a channel is disabled by its record, and here at once by its provider, until somebody enables it later (D2)', async () => {
  const { facts, guard, clock } = guarded();
  facts.write('tripline.channels', 'sms', { state: 'disabled', reason: 'x', at: 1, by: 'command' });
  assert.equal(guard.refusal(makeAction(), null), null);
  facts.write('tripline.channels', 'email', { state: 'disabled', reason: 'x', at: 1, by: 'command' });
  assert.equal(guard.refusal(makeAction(), null), 'channel-disabled');
  facts.write('tripline.channels', 'email', { state: 'enabled', reason: null, at: 2, by: 'command' });
  assert.equal(guard.refusal(makeAction(), null), null);
  guard.disable(clock.now());
  assert.equal(guard.refusal(makeAction(), null), 'channel-disabled');
  facts.write('tripline.channels', 'email', { state: 'enabled', reason: null, at: clock.now() + 1, by: 'command' });
  assert.equal(guard.refusal(makeAction(), null), null);
  // A fault undid the commit that had the record of it.
  await clock.advance(10_000);
  guard.disable(clock.now());
  assert.equal(guard.refusal(makeAction(), null), 'channel-disabled');
  await clock.advance(60_000);
  assert.equal(guard.refusal(makeAction(), null), null);
});

test('in sandbox everything that could be sent is refused as sandbox, and nothing else is called so', () => {
  const { facts, guard } = guarded({ isSandbox: true });
  assert.equal(guard.refusal(makeAction(), null), 'sandbox');
  facts.write(CHANGES, 'u1', { all: false });
  assert.equal(guard.refusal(makeAction(), null), 'consent');
});

test('a category and a channel that must be confirmed want a confirmed yes since the last no, whoever says yes again', () => {
  const { facts, guard } = guarded();
  const letters = makeAction({ category: 'letters' });
  const refusal = () => guard.refusal(letters, null);
  const at = (second: number) => new Date(second * 1_000).toISOString();
  assert.equal(refusal(), 'consent', 'nothing was said');
  facts.write(CHANGES, 'u1', { categories: { letters: true }, timestamp: at(1) });
  assert.equal(refusal(), 'consent', 'it is not confirmed');
  facts.write(CHANGES, 'u1', { categories: { letters: true }, timestamp: at(3), requestedAt: at(1) });
  assert.equal(refusal(), null);
  facts.write(CHANGES, 'u1', { categories: { letters: true }, timestamp: at(4) });
  assert.equal(refusal(), null, 'a yes to what is confirmed changes nothing');
  facts.write(CHANGES, 'u1', { all: false, timestamp: at(5) });
  facts.write(CHANGES, 'u1', { all: true, categories: { letters: true }, timestamp: at(6) });
  assert.equal(refusal(), 'consent', 'after a no to everything it must be confirmed anew');
  facts.write('tripline.consent', 'u1', { categories: { letters: true } }, 7_000);
  assert.equal(refusal(), null, 'a whole record is believed');

  const sms = guarded({ channel: 'sms' });
  assert.equal(sms.guard.refusal(makeAction(), null), 'consent');
  sms.facts.write(CHANGES, 'u1', { channels: { sms: true }, timestamp: at(1) });
  assert.equal(sms.guard.refusal(makeAction(), null), 'consent');
  assert.equal(sms.guard.refusal(makeAction({ category: 'security' }), null), null, 'who must be asked can be asked');
  sms.facts.write(CHANGES, 'u1', { channels: { sms: true }, timestamp: at(2), requestedAt: at(1) });
  assert.equal(sms.guard.refusal(makeAction(), null), null);
});

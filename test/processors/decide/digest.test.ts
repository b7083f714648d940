import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { channelTraits } from '../../../connectors/channels/index.ts';
import { formatProblem } from '../../../lib/problem.ts';
import type { CompileOptions, ContextFiles } from '../../../rules/index.ts';
import type { Action } from '../../../schemas/action.ts';
import { CONSENT_EVENT } from '../../../schemas/internal-events.ts';
import type { JsonObject } from '../../../schemas/json.ts';
import { check, event } from '../../rules/kit.ts';
import { EvaluateRun } from '../kit.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** 1 January 2026, 12:00 UTC. */
const NOON = Date.UTC(2026, 0, 1, 12);

function run(text: string, context: ContextFiles = {}, options: Partial<CompileOptions> = {}): EvaluateRun {
  const { errors, ruleSet } = check(text, { context, ...options });
  assert.deepEqual(errors.map(formatProblem), []);
  return new EvaluateRun(() => ruleSet);
}

const comment = (at: number, properties: JsonObject = {}) => event('commented', at, properties);
const identify = (at: number, traits: JsonObject) => event('identify', at, {}, { type: 'identify', traits });
const consent = (at: number, said: JsonObject) => event(CONSENT_EVENT, at, said, { type: 'consent' });

const rule = (digest: string, rest = '') =>
  `{ id: a, when: { event: commented }, ${rest} then: [{ send: { channel: webhook, digest: ${digest}, ` +
  "data: { who: event.properties.who, all: 'items.map(i, i.event.properties.who)', many: 'size(items) + more' } } }] }";

const actionsOf = ({ context }: EvaluateRun) => context.valuesTo<Action>('actions');
const whoOf = (action: Action) => action.data['all'];

test('what matches within the window goes out as one message at its end, with what it was about', async () => {
  const found = run(rule('{ window: 1h }'));
  found.see(
    comment(NOON, { who: 'ann' }),
    comment(NOON + MINUTE, { who: 'bob' }),
    comment(NOON + HOUR, { who: 'eve' }),
  );
  assert.deepEqual(found.sends, []);
  await found.passTo(NOON + HOUR - 1);
  assert.deepEqual(found.sends, []);
  await found.passTo(NOON + HOUR);
  assert.deepEqual(found.sends, [`a@${NOON + HOUR} webhook to u1`]);
  const [action] = actionsOf(found);
  assert.deepEqual(action!.data, { who: 'eve', all: ['ann', 'bob', 'eve'], many: 3 });
  const items = action!.context['items'] as JsonObject[];
  assert.deepEqual(
    items.map(({ at, data }) => [at, data]),
    [
      ['2026-01-01T12:00:00.000Z', { who: 'ann', all: ['ann'], many: 1 }],
      ['2026-01-01T12:01:00.000Z', { who: 'bob', all: ['bob'], many: 1 }],
      ['2026-01-01T13:00:00.000Z', { who: 'eve', all: ['eve'], many: 1 }],
    ],
  );
  assert.equal(action!.context['more'], 0);
  assert.equal('context' in (items[0]!['event'] as JsonObject), false);
  assert.deepEqual(found.remains(), []);
});

test('each match is a decision that names its digest, and the digest one that names its matches', async () => {
  const found = run(rule('{ window: 1h }'));
  await found.see(comment(NOON), comment(NOON + 1)).passTo(NOON + HOUR);
  const [first, second, out] = found.decisions;
  assert.deepEqual(
    found.decisions.map(({ outcome, at }) => [outcome, at]),
    [
      ['fired', NOON],
      ['fired', NOON + 1],
      ['fired', NOON + HOUR],
    ],
  );
  const [gathered] = first!.gathered;
  assert.deepEqual(gathered, { step: 0, digest: out!.digest!.id, until: NOON + HOUR });
  assert.deepEqual(second!.gathered, [gathered]);
  assert.equal(first!.digest, null);
  assert.deepEqual([out!.digest!.items, out!.events, out!.gathered], [2, [...first!.events, ...second!.events], []]);
});

test('what is stamped after the end of the window begins the next one, also while the first is still open', async () => {
  const found = run(rule('{ window: 1h }'));
  found.see(comment(NOON, { who: 'ann' }), comment(NOON + HOUR + 1, { who: 'bob' }));
  await found.see(comment(NOON + 5, { who: 'late' })).passTo(NOON + 3 * HOUR);
  assert.deepEqual(
    actionsOf(found).map((action) => [action.at, whoOf(action)]),
    [
      [NOON + HOUR, ['ann', 'late']],
      [NOON + 2 * HOUR + 1, ['bob']],
    ],
  );
});

test('a key parts digests', async () => {
  const found = run(rule('{ window: 1h, key: event.properties.thread }'));
  found.see(comment(NOON, { who: 'ann', thread: 1 }), comment(NOON + 1, { who: 'bob', thread: 2 }));
  await found.see(comment(NOON + 2, { who: 'eve', thread: 1 })).passTo(NOON + 2 * HOUR);
  assert.deepEqual(actionsOf(found).map(whoOf), [['ann', 'eve'], ['bob']]);
});

test('with first, the first goes at once and the rest of its window as one', async () => {
  const found = run(rule('{ window: 1h, first: true }'));
  found.see(comment(NOON, { who: 'ann' }), comment(NOON + 1, { who: 'bob' }), comment(NOON + 2, { who: 'eve' }));
  assert.deepEqual(actionsOf(found).map(whoOf), [['ann']]);
  await found.passTo(NOON + HOUR);
  assert.deepEqual(actionsOf(found).map(whoOf), [['ann'], ['bob', 'eve']]);
  // A window in which nothing more came ends without a word.
  found.see(comment(NOON + 2 * HOUR, { who: 'zoe' }));
  await found.passTo(NOON + 4 * HOUR);
  assert.deepEqual(actionsOf(found).map(whoOf), [['ann'], ['bob', 'eve'], ['zoe']]);
  assert.equal(found.decisions.length, 5);
  assert.deepEqual(found.remains(), []);
});

test('critical messages are exempt, and read as a digest of one', async () => {
  const found = run(rule('{ window: 1h }', 'urgency: critical,'));
  found.see(comment(NOON, { who: 'ann' }), comment(NOON + 1, { who: 'bob' }));
  assert.deepEqual(actionsOf(found).map(whoOf), [['ann'], ['bob']]);
  assert.deepEqual(
    found.decisions.map(({ gathered }) => gathered),
    [[], []],
  );
});

test('caps count the message that goes out, and consent is asked then', async () => {
  const caps = { caps: [{ file: 'caps.yaml', text: '[{ max: 1, per: day }]' }] };
  const text =
    '{ id: a, when: { event: commented }, category: news, then: [{ send: { channel: email, template: t, digest: { window: 1h } } }] }';
  const mailed = { channels: channelTraits({ email: {} }) };
  const found = run(text, caps, mailed);
  found.see(identify(NOON - 1, { email: 'a@example.com' }), comment(NOON), comment(NOON + 1), comment(NOON + 2));
  await found.passTo(NOON + HOUR);
  await found.see(comment(NOON + 2 * HOUR)).passTo(NOON + 3 * HOUR);
  assert.deepEqual(found.lines.slice(3), [`a@${NOON + HOUR}`, `a@${NOON + 2 * HOUR}`, `a@${NOON + 3 * HOUR} cap`]);
  assert.equal(found.sends.length, 1);

  const refused = run(text, {}, mailed).see(identify(NOON - 1, { email: 'a@example.com' }), comment(NOON));
  refused.see(consent(NOON + 5, { categories: { news: false } }));
  await refused.passTo(NOON + HOUR);
  assert.deepEqual(refused.lines, [`a@${NOON}`, `a@${NOON + HOUR} consent`]);
  assert.deepEqual(refused.sends, []);
});

test('a window that ends in quiet hours stays open until they end', async () => {
  const found = run(rule('{ window: 1h }', 'quietHours: { from: "13:00", to: "15:00", timezone: UTC },'));
  await found.see(comment(NOON, { who: 'ann' })).passTo(NOON + HOUR);
  assert.deepEqual(found.lines, [`a@${NOON}`, `a@${NOON + HOUR} quiet-hours`]);
  // Matches are gathered in quiet hours too: nothing is sent by them.
  found.see(comment(NOON + 2 * HOUR, { who: 'bob' }));
  await found.passTo(NOON + 3 * HOUR);
  assert.deepEqual(
    found.decisions.map(({ at, outcome }) => [at, outcome]),
    [
      [NOON, 'fired'],
      [NOON + HOUR, 'deferred'],
      [NOON + 2 * HOUR, 'fired'],
      [NOON + 3 * HOUR, 'fired'],
    ],
  );
  assert.deepEqual(actionsOf(found).map(whoOf), [['ann', 'bob']]);
});

test('items are bounded in number and size, and those left out are counted', async () => {
  const found = run(rule('{ window: 1h }'));
  for (let n = 0; n < 103; n++) found.see(comment(NOON + n, { who: n }));
  await found.passTo(NOON + HOUR);
  const [many] = actionsOf(found);
  assert.deepEqual([(whoOf(many!) as unknown[]).length, many!.context['more'], many!.data['many']], [100, 3, 103]);
  assert.equal(many!.data['who'], 102);

  const large = run(rule('{ window: 1h }')).see(comment(NOON), comment(NOON + 1, { who: 'x'.repeat(200_000) }));
  await large.passTo(NOON + HOUR);
  assert.equal(actionsOf(large)[0]!.context['more'], 1);
  assert.equal(large.decisions.at(-1)!.digest!.items, 2);
});

test('of one entity 32 digests are open at most: what would open a further one goes by itself, and is counted', () => {
  const found = run(rule('{ window: 1h, key: event.properties.who }'));
  for (let n = 0; n < 34; n++) found.see(comment(NOON + n, { who: n }));
  assert.deepEqual(actionsOf(found).map(whoOf), [[32], [33]]);
  assert.equal(found.context.counters.total('dropped'), 2);
});

test('a send beside the digest goes at once, and a digest keeps a decision alive whose other send has no way', async () => {
  const two =
    '{ id: a, when: { event: commented }, then: [{ send: { channel: email, template: t } }, { send: { channel: webhook, digest: { window: 1h } } }] }';
  const found = run(two, {}, { channels: channelTraits({ email: {} }, true) });
  await found.see(comment(NOON)).passTo(NOON + HOUR);
  assert.deepEqual(found.lines, [`a@${NOON}`, `a@${NOON + HOUR}`]);
  assert.deepEqual(found.decisions[0]!.passedOver, [{ step: 0, channel: 'email', reason: 'unreachable' }]);
  assert.deepEqual(found.sends, [`a@${NOON + HOUR} webhook to u1`]);
});

test('a rule that is gone or disabled sends no digest any more', async () => {
  const before = check(rule('{ window: 1h }')).ruleSet;
  const disabled = check(rule('{ window: 1h }', 'enabled: false,')).ruleSet;
  let now = before;
  const found = new EvaluateRun(() => now);
  found.see(comment(NOON));
  now = disabled;
  await found.passTo(NOON + HOUR);
  assert.deepEqual(found.lines, [`a@${NOON}`, `a@${NOON + HOUR} disabled`]);
  const gone = new EvaluateRun(() => now);
  now = before;
  gone.see(comment(NOON));
  now = check('{ id: b, when: { event: commented } }').ruleSet;
  await gone.passTo(NOON + HOUR);
  assert.deepEqual([gone.lines, gone.sends, gone.remains()], [[`a@${NOON}`], [], []]);
});

test('whatever comes when, digests are the windows that begin with the first message after the one before (D1, D2)', async () => {
  const plan = fc.record({
    times: fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 25 }),
    window: fc.integer({ min: 1, max: 12 }),
    first: fc.boolean(),
    keys: fc.integer({ min: 1, max: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(plan, async ({ times, window, first, keys }) => {
      const text = rule(`{ window: ${window}m, first: ${first}, key: event.properties.key }`, 'order: event-time,');
      const ordered = times
        .toSorted((a, b) => a - b)
        .map((minute, n) => ({ at: NOON + minute * MINUTE, n, key: n % keys }));
      const found = run(text);
      for (const { at, n, key } of ordered) {
        await found.passTo(at - 1);
        found.see(comment(at, { who: n, key }));
        // As if it had left memory: what is gathered is in the stored document.
        found.storeAndLoad();
      }
      await found.passTo(NOON + 1_000 * MINUTE);
      const expected: [number, number[]][] = [];
      for (let key = 0; key < keys; key++) {
        const own = ordered.filter((one) => one.key === key);
        while (own.length > 0) {
          const end = own[0]!.at + window * MINUTE;
          if (first) expected.push([own[0]!.at, [own.shift()!.n]]);
          const inside = own.filter(({ at }) => at <= end);
          own.splice(0, inside.length);
          if (inside.length > 0) expected.push([end, inside.map(({ n }) => n)]);
        }
      }
      const byTime = (a: [number, number[]], b: [number, number[]]) => a[0] - b[0] || a[1][0]! - b[1][0]!;
      const got = actionsOf(found).map((action): [number, number[]] => [action.at, whoOf(action) as number[]]);
      assert.deepEqual(got.sort(byTime), expected.sort(byTime));
    }),
    { numRuns: 60 },
  );
});

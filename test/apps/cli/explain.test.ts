// `tripline explain`: what it says of the log of a stopped worker, and of a file.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { decisions as decisionsCommand } from '../../../apps/cli/commands/decisions.ts';
import { explain as explainCommand } from '../../../apps/cli/commands/explain.ts';
import { seededRng } from '../../../lib/rng.ts';
import type { ExplainedDecision, ExplainedEvent, Explanation } from '../../../services/explain/explanation.ts';
import { folderWith, run } from './kit.ts';
import { identify, linesOf, openShop, START, track } from './shop-project.ts';

const HOUR = 3_600_000;

const RULES = `
id: cart
when: { absence: { after: { event: add_to_cart, where: event.properties.value >= 50, as: cart }, of: purchase, within: 24h } }
if: profile.plan != "free"
cooldown: 7d
---
id: busy
when: { count: { event: view, atLeast: 3, within: 1h, by: event.properties.product } }
`;

const CONFIG =
  'application: shop\ndataDir: ./data\nlog: { partitions: 2 }\nsources: [{ topic: events.shop, keyed: true }]\ndeliveredElsewhere: [email, webhook, slack]\nvalidFor: { operational: forever, marketing: forever }\n';

/** A project whose log holds what became of these records, a moment after each. */
async function shopWith(t: TestContext, steps: readonly (ReturnType<typeof track> | number)[]): Promise<string> {
  const folder = folderWith(t, { 'tripline.yaml': CONFIG, 'rules/rules.yaml': RULES });
  const shop = await openShop(t, folder);
  for (const step of steps) {
    if (typeof step === 'number') await shop.clock.advance(step);
    else await shop.pipe('events.shop', step);
    await shop.run();
  }
  await shop.close();
  return folder;
}

async function explained(folder: string, ...words: string[]): Promise<Explanation> {
  const { code, out, err } = await run(['explain', ...words, '--json'], [explainCommand], folder);
  assert.equal(code, 0, err);
  return JSON.parse(out);
}

const eventsOf = ({ steps }: Explanation) => steps.filter((step): step is ExplainedEvent => step.kind === 'event');
const decisionsOf = ({ steps }: Explanation) =>
  steps.filter((step): step is ExplainedDecision => step.kind === 'decision');

test('a rule that fired: each event, the deadline with its meaning, and every gate in order', async (t) => {
  const folder = await shopWith(t, [
    track('u1', 'add_to_cart', START, { value: 10 }),
    track('u1', 'add_to_cart', START + 1, { value: 80 }),
    track('u1', 'page', START + 2),
    track('u2', 'purchase', START + 3),
    25 * HOUR,
  ]);
  const explanation = await explained(folder, '--rule', 'cart', '--user', 'u1');
  assert.deepEqual(
    eventsOf(explanation).map(({ event, verdict }) => [event, verdict]),
    [
      ['add_to_cart', 'where'],
      ['add_to_cart', 'counted'],
      ['page', 'name'],
    ],
  );
  assert.deepEqual(eventsOf(explanation)[0]!.asked, [
    { expression: 'event.properties.value >= 50', value: false, values: { 'event.properties.value': 10 }, error: null },
  ]);
  const deadline = explanation.steps.find((step) => step.kind === 'deadline');
  const at = new Date(START + 1 + 24 * HOUR).toISOString();
  assert.equal(deadline?.meaning, `no purchase came until ${at}`);
  const [decision] = decisionsOf(explanation);
  assert.equal(decision?.outcome, 'fired');
  assert.equal(decision.recorded, true);
  assert.deepEqual(
    decision.gates.filter(({ verdict }) => verdict !== 'unused').map(({ gate, verdict }) => [gate, verdict]),
    [
      ['enabled', 'passed'],
      ['condition', 'passed'],
      ['cooldown', 'passed'],
      ['stale', 'passed'],
    ],
  );
});

test('a rule that was suppressed says by which gate, what it saw, and until when', async (t) => {
  const folder = await shopWith(t, [
    track('u1', 'add_to_cart', START, { value: 80 }),
    25 * HOUR,
    track('u1', 'add_to_cart', START + 25 * HOUR, { value: 80 }),
    25 * HOUR,
    identify('u1', START + 50 * HOUR, { plan: 'free' }),
    track('u1', 'add_to_cart', START + 50 * HOUR, { value: 80 }),
    25 * HOUR,
  ]);
  const explanation = await explained(folder, '--rule', 'cart', '--user', 'u1');
  const refused = decisionsOf(explanation).map(({ gates }) => gates.find(({ verdict }) => verdict === 'refused'));
  const until = new Date(START + (24 + 7 * 24) * HOUR).toISOString();
  assert.equal(refused[0], undefined);
  assert.equal(refused[1]!.gate, 'cooldown');
  assert.match(refused[1]!.detail!, new RegExp(`cooldown until ${until}$`));
  assert.equal(refused[2]!.gate, 'condition');
  assert.match(refused[2]!.detail!, /profile\.plan was "free"/);
});

test('a rule that decided nothing says what is still needed, for each value of `by`', async (t) => {
  const view = (at: number, properties: object) => track('u1', 'view', at, properties);
  const twice = view(START + 2, { product: 'b' });
  const folder = await shopWith(t, [
    view(START, { product: 'a' }),
    view(START + 1, { product: 'a' }),
    twice,
    twice,
    view(START + 3, {}),
  ]);
  const explanation = await explained(folder, '--rule', 'busy', '--user', 'u1');
  assert.deepEqual(explanation.needed, ['a: count is 2 of 3 in 1h', 'b: count is 1 of 3 in 1h']);
  assert.deepEqual(
    eventsOf(explanation).map(({ verdict }) => verdict),
    ['counted', 'counted', 'counted', 'duplicate', 'by'],
  );
});

test('an event that came late is said to be late, as it was when the worker read it', async (t) => {
  const folder = await shopWith(t, [
    track('u1', 'add_to_cart', START, { value: 80 }),
    25 * HOUR,
    track('u1', 'purchase', START + HOUR),
  ]);
  const explanation = await explained(folder, '--rule', 'cart', '--user', 'u1');
  assert.deepEqual(
    eventsOf(explanation).map(({ event, verdict }) => [event, verdict]),
    [
      ['add_to_cart', 'counted'],
      ['purchase', 'late'],
    ],
  );
});

test('with --at nothing later is told', async (t) => {
  const folder = await shopWith(t, [track('u1', 'add_to_cart', START, { value: 80 }), 25 * HOUR]);
  const at = new Date(START + HOUR).toISOString();
  const explanation = await explained(folder, '--rule', 'cart', '--user', 'u1', '--at', at);
  assert.deepEqual(decisionsOf(explanation), []);
  const until = new Date(START + 24 * HOUR).toISOString();
  assert.match(explanation.needed[0]!, new RegExp(`until ${until}: fires then unless purchase comes$`));
});

test('the text is for people', async (t) => {
  const folder = await shopWith(t, [track('u1', 'add_to_cart', START, { value: 80 }), 25 * HOUR]);
  const { code, out } = await run(['explain', '--rule', 'cart', '--user', 'u1'], [explainCommand], folder);
  assert.equal(code, 0);
  const at = (time: number) => new Date(time).toISOString();
  assert.match(out, /^cart \(version [0-9a-f]{12}\) for user u1\n1 decision, 1 fired\. The last, at /);
  assert.ok(out.includes(`${at(START + 24 * HOUR)}  time  no purchase came until ${at(START + 24 * HOUR)}\n`), out);
  assert.match(out, /gate condition: passed; profile\.plan != "free"; profile\.plan was null\n/);
});

test('a rule or a user that is not known is exit code 1, with a hint', async (t) => {
  const folder = await shopWith(t, [track('u1', 'add_to_cart', START, { value: 80 })]);
  const noRule = await run(['explain', '--rule', 'cat', '--user', 'u1'], [explainCommand], folder);
  assert.equal(noRule.code, 1);
  assert.match(noRule.err, /there is no rule "cat"\n {2}did you mean "cart"/);
  const noUser = await run(['explain', '--rule', 'cart', '--user', 'u9'], [explainCommand], folder);
  assert.equal(noUser.code, 1);
  assert.match(noUser.err, /nothing is known of user u9/);
  assert.equal(noUser.out, '');
});

test('a file of events is explained without a log', async (t) => {
  const folder = folderWith(t, { 'tripline.yaml': CONFIG, 'rules/rules.yaml': RULES });
  const lines = [track('u1', 'add_to_cart', START, { value: 80 }), track('u1', 'purchase', START + HOUR)];
  writeFileSync(join(folder, 'events.jsonl'), lines.map(({ value }) => `${value}\n`).join(''));
  const explanation = await explained(
    folder,
    '--rule',
    'cart',
    '--user',
    'u1',
    '--events',
    'events.jsonl',
    '--at',
    '2100-01-01T00:00:00Z',
  );
  assert.deepEqual(decisionsOf(explanation), []);
  assert.deepEqual(
    eventsOf(explanation).map(({ verdict, progress }) => [verdict, progress !== null]),
    [
      ['counted', true],
      ['counted', true],
    ],
  );
  assert.deepEqual(explanation.needed, [
    'nothing waits: add_to_cart where event.properties.value >= 50 starts the clock',
  ]);
});

test('of random streams, what is explained is exactly what was decided', async (t) => {
  const rng = seededRng(7);
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(rng.next() * items.length)]!;
  const steps: (ReturnType<typeof track> | number)[] = [];
  let now = START;
  for (let i = 0; i < 120; i++) {
    const user = pick(['u1', 'u2', 'u3']);
    const at = now - Math.floor(rng.next() * 8_000);
    const name = pick(['add_to_cart', 'purchase', 'view', 'page']);
    steps.push(track(user, name, Math.max(at, START), { value: pick([10, 80]), product: pick(['a', 'b']) }));
    const passed = pick([100, 2_000, HOUR, 26 * HOUR]);
    now += passed;
    steps.push(passed);
  }
  const folder = await shopWith(t, steps);
  const recorded = linesOf((await run(['decisions', '--json'], [decisionsCommand], folder)).out);
  const all: ExplainedDecision[] = [];
  for (const rule of ['cart', 'busy']) {
    for (const user of ['u1', 'u2', 'u3'])
      all.push(...decisionsOf(await explained(folder, '--rule', rule, '--user', user)));
  }
  assert.ok(recorded.length > 5);
  assert.deepEqual(all.map(({ id }) => id).sort(), recorded.map(({ id }) => id).sort());
  assert.ok(all.every((decision) => decision.recorded === true && decision.gates.length > 0));
});

const COMMENT = { type: 'track', userId: 'u1', event: 'commented' };
const iso = (time: number) => new Date(time).toISOString();

test('a digest is explained: which match waits in it until when, and what became of it', async (t) => {
  const rules =
    '{ id: comments, when: { event: commented }, then: [{ send: { channel: webhook, digest: { window: 1h } } }] }';
  const folder = folderWith(t, { 'rules/r.yaml': rules });
  const events = [0, 1].map((n) => ({ ...COMMENT, messageId: `m${n}`, timestamp: iso(START + n) }));
  writeFileSync(join(folder, 'events.jsonl'), events.map((one) => `${JSON.stringify(one)}\n`).join(''));
  const words = ['--rule', 'comments', '--user', 'u1', '--events', 'events.jsonl', '--at', iso(START + 2 * HOUR)];
  const explanation = await explained(folder, ...words);
  const [first, second, out] = decisionsOf(explanation);
  assert.deepEqual(first!.gathered, [{ step: 0, digest: out!.digest!.id, until: iso(START + HOUR) }]);
  assert.deepEqual([second!.gathered, out!.digest!.items, out!.at], [first!.gathered, 2, iso(START + HOUR)]);
  assert.deepEqual(
    out!.gates.filter(({ verdict }) => verdict !== 'unused').map(({ gate }) => gate),
    ['enabled', 'consent', 'reachable'],
  );
  const { out: text } = await run(['explain', ...words], [explainCommand], folder);
  assert.match(text, new RegExp(`send 0 waits in digest ${out!.digest!.id}, which goes out at ${iso(START + HOUR)}`));
  assert.match(text, /DIGEST of 2 {2}fired/);
});

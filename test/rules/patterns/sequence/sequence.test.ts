import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SequenceState } from '../../../../rules/patterns/sequence/partials.ts';
import { compiled, event, PatternRun } from '../../kit.ts';
import { bytesOf, reread } from './kit.ts';

function sequence(steps: string, fields = '', rest = ''): PatternRun {
  return new PatternRun(compiled(`{ id: a, when: { sequence: { steps: [${steps}]${fields} } }${rest} }`));
}

const ABC = '{ event: a }, { event: b }, { event: c }';
const ids = (run: PatternRun): string[] => run.matches.map((match) => match.events.join(' '));
const named = (name: string, id: string, at: number, properties = {}) => event(name, at, properties, { messageId: id });
const stateOf = (run: PatternRun): SequenceState => {
  assert.equal(run.state?.kind, 'sequence');
  return run.state as SequenceState;
};

test('the match has the time of its last event, all ids and times, and leaves nothing behind', () => {
  const run = sequence(ABC);
  const events = [named('a', 'a1', 1), named('b', 'b1', 2), named('c', 'c1', 3)];
  run.seeInOrder(...events);
  assert.deepEqual(run.matches, [
    { at: 3, events: ['a1', 'b1', 'c1'], times: [1, 2, 3], captures: {}, event: events[2] },
  ]);
  assert.equal(run.state, null);
});

test('an event stamped with the end of `within` still counts, one after it does not', () => {
  const steps = '{ event: a }, { event: b }';
  assert.deepEqual(sequence(steps, ', within: 10s').seeInOrder(event('a', 0), event('b', 10_000)).times, [10_000]);
  assert.deepEqual(sequence(steps, ', within: 10s').seeInOrder(event('a', 0), event('b', 10_001)).times, []);
});

test('a later step may carry the time of the first, if it comes later', () => {
  const run = sequence('{ event: a }, { event: b }').seeInOrder(event('b', 5), event('a', 5), event('b', 5));
  assert.deepEqual(run.times, [5]);
});

test('partial matches whose time is over go with the next event that the rule is shown', () => {
  const run = sequence(ABC, ', within: 10s').seeInOrder(event('a', 0), event('b', 1));
  assert.equal(stateOf(run).nodes.length, 2);
  run.seeInOrder(event('b', 20_000));
  assert.equal(run.state, null);
});

test('a sequence without a trailing not has no deadline, so that it makes no event late', () => {
  const rule = compiled(`{ id: a, when: { sequence: { steps: [${ABC}], within: 10s } } }`);
  const run = new PatternRun(rule).seeInOrder(event('a', 0));
  assert.equal(rule.pattern.deadlineOf(run.state!), Infinity);
});

test('a trailing not fires at the deadline; its event stamped with the deadline wins', () => {
  const steps = '{ event: a, as: start }, { not: { event: b } }';
  const run = sequence(steps, ', within: 10s')
    .seeInOrder(named('a', 'a1', 5))
    .passTo(60_000);
  assert.deepEqual(ids(run), ['a1']);
  assert.deepEqual(run.times, [10_005]);
  assert.equal(run.state, null);
  const stopped = sequence(steps, ', within: 10s').seeInOrder(event('a', 5), event('b', 10_005));
  assert.deepEqual(stopped.passTo(60_000).times, []);
  assert.equal(stopped.state, null);
});

test('a strict not at the end forbids only the very next event', () => {
  const steps = '{ event: a }, { not: { event: b }, next: strict }';
  const next = sequence(steps, ', within: 10s').seeInOrder(event('a', 0), event('b', 1));
  assert.deepEqual(next.passTo(60_000).times, []);
  const later = sequence(steps, ', within: 10s').seeInOrder(event('a', 0), event('x', 1), event('b', 2));
  assert.deepEqual(later.passTo(60_000).times, [10_000]);
});

test('at a deadline, `event` in the rest of the rule is the last matched one, with its data', () => {
  const steps = '{ event: a }, { event: b }, { not: { event: c } }';
  const run = sequence(steps, ', within: 1h', ", if: 'event.properties.value > 1'");
  run.seeInOrder(event('a', 0, { value: 1 }), event('b', 1, { value: 2 }));
  run.state = reread(run.state);
  run.passTo(3_600_000);
  assert.equal(run.matches[0]?.event?.properties['value'], 2);
});

test('the name of a step with times is a list, that of another its event', () => {
  const rest = ", if: 'size(clicks) == 2 && clicks[1].properties.n == 2 && end.properties.n == 3'";
  const run = sequence('{ event: a, as: clicks, times: { min: 1 }, greedy: true }, { event: b, as: end }', '', rest);
  const [first, second, third] = [event('a', 1, { n: 1 }), event('a', 2, { n: 2 }), event('b', 3, { n: 3 })];
  run.seeInOrder(first!, second!, third!);
  assert.deepEqual(
    run.matches.map((match) => match.captures),
    [{ clicks: [first, second], end: third }],
  );
});

test('a step reads what was captured before it, and a repeating one what it has so far', () => {
  const steps = `{ event: add, as: cart }, { event: change, as: changes, times: { min: 1 },
    where: 'event.properties.cart == cart.properties.cart && size(changes) < 2' },
    { event: buy, where: 'event.properties.cart == cart.properties.cart' }`;
  const run = sequence(steps).seeInOrder(
    named('add', 'add1', 1, { cart: 'c1' }),
    named('change', 'x', 2, { cart: 'c2' }),
    named('change', 'change1', 3, { cart: 'c1' }),
    named('buy', 'y', 4, { cart: 'c2' }),
    named('change', 'change2', 5, { cart: 'c1' }),
    named('change', 'change3', 6, { cart: 'c1' }),
    named('buy', 'buy1', 7, { cart: 'c1' }),
  );
  assert.deepEqual(ids(run), ['add1 change1 change2 buy1']);
  assert.deepEqual(run.failures, []);
});

test('a name that is not there yet is an error, which makes the condition false and is reported', () => {
  const steps = `{ event: a, as: first, optional: true }, { event: b, where: 'first.properties.n == 1' }`;
  const run = sequence(steps).seeInOrder(event('b', 1), event('a', 2, { n: 1 }), event('b', 3));
  assert.deepEqual(run.times, [3]);
  assert.deepEqual(run.failures, ['first.properties.n == 1', 'first.properties.n == 1']);
});

test('a condition that reads nothing matched is asked once an event, however many partial matches wait', () => {
  const run = sequence("{ event: a }, { event: b, where: 'event.properties.missing == 1' }", ', skip: none');
  run.seeInOrder(...Array.from({ length: 50 }, (_, at) => event('a', at)), event('b', 99));
  assert.deepEqual(run.failures, ['event.properties.missing == 1']);
});

test('only the data that are read again are kept', () => {
  const plain = sequence(ABC).seeInOrder(event('a', 1, { text: 'x'.repeat(1_000) }));
  assert.equal(stateOf(plain).events[0]!.data, null);
  assert.ok(bytesOf(plain.state!).length < 100);
  const read = sequence("{ event: a, as: one }, { event: b, where: 'event.properties.n == one.properties.n' }");
  read.seeInOrder(event('a', 1, { n: 1 }));
  assert.equal(stateOf(read).events[0]!.data?.properties['n'], 1);
});

test('an event that many partial matches took is kept once, and so is what they have in common', () => {
  const steps = '{ event: a }, { event: b, next: any, times: { min: 1, next: any } }, { event: c }';
  const run = sequence(steps, ', skip: none');
  run.seeInOrder(event('a', 0), ...Array.from({ length: 6 }, (_, at) => event('b', at + 1)));
  const { events, nodes } = stateOf(run);
  assert.equal(events.length, 7);
  // Each choice of the six b events is a partial match, the empty one too, and no more than one node each.
  assert.equal(nodes.length, 64);
  // 7 events at about 12 bytes, 64 nodes at 7 to 9.
  assert.ok(bytesOf(run.state!).length < 64 * 9 + 7 * 14 + 40, String(bytesOf(run.state!).length));
});

test('beyond 256 partial matches the earliest-begun go, and are counted', () => {
  const run = sequence('{ event: a }, { event: b, next: any }', ', skip: none');
  run.seeInOrder(...Array.from({ length: 260 }, (_, at) => named('a', `a${at}`, at)));
  assert.deepEqual(run.drops, Array(4).fill('partial-matches'));
  run.seeInOrder(named('b', 'b', 1_000));
  assert.equal(run.matches.length, 256);
  assert.deepEqual(run.matches[0]!.events, ['a4', 'b']);
});

test('a loop without bound keeps at most 1,000 events: the partial match that holds them goes, and is counted', () => {
  const run = sequence('{ event: a }, { event: b, times: { min: 1 }, greedy: true }, { event: c }', ', skip: none');
  run.seeInOrder(event('a', 0), ...Array.from({ length: 1_100 }, (_, at) => event('b', at + 1)));
  assert.ok(run.drops.length > 0);
  assert.ok(run.state === null || stateOf(run).events.length <= 1_000);
});

test('in arrival order it is the reading order that counts; event time bounds `within` only', () => {
  const rule = compiled(
    '{ id: a, order: arrival, when: { sequence: { steps: [{ event: a }, { event: b }], within: 10s } } }',
  );
  const run = new PatternRun(rule).see(named('a', 'a1', 3_000), named('b', 'b1', 1_000));
  assert.deepEqual([ids(run), run.times], [['b1 a1'], [1_000]]);
});

test('in arrival order an event may come behind a newer one that was out of time for the partial match', () => {
  const rule = compiled(
    '{ id: a, order: arrival, when: { sequence: { steps: [{ event: a }, { event: b }], within: 10s } } }',
  );
  const run = new PatternRun(rule).see(named('a', 'a1', 0), named('x', 'x1', 12_000), named('b', 'b1', 9_000));
  assert.deepEqual(ids(run), ['a1 b1']);
});

test('a match drops what began up to its last event, or with its first, or nothing', () => {
  const events = [named('a', 'a1', 1), named('a', 'a2', 2), named('b', 'b1', 3), named('b', 'b2', 4)];
  const found = (skip: string) => ids(sequence('{ event: a }, { event: b, next: any }', skip).seeInOrder(...events));
  assert.deepEqual(found(''), ['a1 b1']);
  assert.deepEqual(found(', skip: past-last'), ['a1 b1']);
  assert.deepEqual(found(', skip: to-next'), ['a1 b1', 'a2 b1']);
  assert.deepEqual(found(', skip: none'), ['a1 b1', 'a2 b1', 'a1 b2', 'a2 b2']);
});

test('one list of events is one match, however it can be dealt to steps', () => {
  const steps = '{ event: a, as: one, times: { min: 0 } }, { event: [a, b], as: two, times: { min: 1 } }, { event: c }';
  const run = sequence(steps, ', skip: none', ", if: 'size(one) >= 0'");
  run.seeInOrder(named('a', 'a1', 1), named('a', 'a2', 2), named('c', 'c1', 3));
  assert.deepEqual(ids(run), ['a1 a2 c1', 'a1 c1', 'a2 c1']);
  assert.equal((run.matches[0]!.captures['one'] as unknown[]).length, 1);
});

test('a sequence asks for all events only where it says what may lie between', () => {
  const interests = (steps: string) =>
    compiled(`{ id: a, when: { sequence: { steps: [${steps}] } } }`).pattern.interests;
  assert.deepEqual(interests('{ event: a }, { not: { event: x } }, { event: [b, c] }'), ['a', 'x', 'b', 'c']);
  assert.equal(interests('{ event: a }, { event: b, next: strict }'), '*');
  assert.equal(interests('{ event: a, times: { min: 2, next: strict } }'), '*');
  assert.equal(interests('{ event: a }, { not: { event: x }, next: strict }, { event: b }'), '*');
});

test('a match that waits for its deadline is not lost to events that come before the timer', () => {
  const steps = '{ event: a }, { not: { event: b } }';
  const run = sequence(steps, ', within: 10s').see(named('a', 'a1', 0), event('b', 60_000), named('a', 'a2', 61_000));
  assert.deepEqual(ids(run.passTo(100_000)), ['a1', 'a2']);
  assert.deepEqual(run.times, [10_000, 71_000]);
});

test('a sequence may stand in a list of patterns; its single names go out, its lists stay inside', () => {
  const all = (name: string) => `
id: a
when:
  all:
    - sequence: { steps: [{ event: a, as: one }, { event: b, as: many, times: { min: 2, max: 2 } }] }
    - event: c
  within: 1h
if: '${name}'
`;
  const run = new PatternRun(compiled(all('one.properties.n == 1')));
  run.seeInOrder(named('a', 'a1', 1, { n: 1 }), named('b', 'b1', 2), named('b', 'b2', 3));
  run.state = reread(run.state);
  run.seeInOrder(named('c', 'c1', 4));
  assert.deepEqual(ids(run), ['a1 b1 b2 c1']);
  assert.deepEqual(run.matches[0]!.times, [1, 2, 3, 4]);
  assert.throws(() => compiled(all('size(many) == 2')), /unknown name "many"/);
});

test('what the steps left behind is dropped, and counted, when they were changed; other changes keep it', () => {
  const before = sequence(ABC).seeInOrder(event('a', 1), event('b', 2));
  const changed = sequence('{ event: a }, { event: c }');
  changed.state = reread(before.state);
  assert.deepEqual(changed.seeInOrder(event('c', 3)).times, []);
  assert.deepEqual(changed.drops, ['partial-matches']);
  const same = sequence(ABC, '', ", if: 'true'");
  same.state = reread(before.state);
  assert.deepEqual(same.seeInOrder(event('c', 3)).times, [3]);
});

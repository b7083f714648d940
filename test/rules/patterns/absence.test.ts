import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Event } from '../../../schemas/event.ts';
import { compiled, event, PatternRun } from '../kit.ts';

const HOUR = 3_600_000;

function absence(fields = ''): PatternRun {
  return new PatternRun(
    compiled(`{ id: a, when: { absence: { after: { event: start }, of: { event: stop }, within: 1h${fields} } } }`),
  );
}

test('an absence fires at start + within, with the start as its event', () => {
  const start = event('start', 10);
  const run = absence()
    .see(start)
    .passTo(HOUR + 9);
  assert.deepEqual(run.matches, []);
  run.passTo(HOUR + 10);
  const match = { at: HOUR + 10, events: [start.messageId], times: [10], captures: {}, event: start };
  assert.deepEqual(run.matches, [match]);
  assert.equal(run.state, null);
});

test('an answer stamped exactly at the deadline wins (A1)', () => {
  const run = absence()
    .seeInOrder(event('start', 0), event('stop', HOUR))
    .passTo(10 * HOUR);
  assert.deepEqual(run.times, []);
  assert.equal(run.state, null);
});

test('an answer stamped after the deadline comes too late (A1)', () => {
  const run = absence().seeInOrder(event('start', 0), event('stop', HOUR + 1));
  assert.deepEqual(run.times, [HOUR]);
});

test("an answer stamped with the start's own time does not count, before or after it in the input (A1)", () => {
  const run = absence()
    .seeInOrder(event('stop', 5), event('start', 5), event('stop', 5))
    .passTo(10 * HOUR);
  assert.deepEqual(run.times, [HOUR + 5]);
});

test('latest: a new start restarts the clock, also one stamped with the deadline', () => {
  const run = absence()
    .seeInOrder(event('start', 0), event('start', HOUR))
    .passTo(10 * HOUR);
  assert.deepEqual(run.times, [2 * HOUR]);
});

test('latest: of two starts with the same time the later in the input counts', () => {
  const second = event('start', 0);
  const run = absence().seeInOrder(event('start', 0), second).passTo(HOUR);
  assert.deepEqual(
    run.matches.map((match) => match.events),
    [[second.messageId]],
  );
});

test('each: every start has its own clock, and one answer stops all that wait', () => {
  const run = absence(', restart: each')
    .seeInOrder(event('start', 0), event('start', 10))
    .passTo(10 * HOUR);
  assert.deepEqual(run.times, [HOUR, HOUR + 10]);
  const answered = absence(', restart: each').seeInOrder(event('start', 0), event('start', 10), event('stop', 20));
  assert.deepEqual(answered.passTo(10 * HOUR).times, []);
});

test('each: clocks that are due at the same time fire together', () => {
  const run = absence(', restart: each').see(event('start', 0), event('start', 0));
  run.passTo(HOUR);
  assert.deepEqual(run.times, [HOUR, HOUR]);
});

test('each: beyond 256 clocks the oldest is dropped, and counted (A4)', () => {
  const run = absence(', restart: each').see(...Array.from({ length: 258 }, (_, i) => event('start', i)));
  assert.deepEqual(run.drops, ['clocks', 'clocks']);
  run.passTo(HOUR + 1_000);
  assert.deepEqual([run.times.length, run.times[0]], [256, HOUR + 2]);
});

test('first: a running clock is left alone, and the next start after it fired begins a new one', () => {
  const run = absence(', restart: first').seeInOrder(event('start', 0), event('start', 10), event('start', HOUR));
  run.seeInOrder(event('start', HOUR + 1)).passTo(10 * HOUR);
  assert.deepEqual(run.times, [HOUR, 2 * HOUR + 1]);
});

test('first: the next start after an answer begins a new clock, also one stamped with its time (A3)', () => {
  const same = absence(', restart: first').seeInOrder(event('start', 0), event('stop', 10), event('start', 10));
  assert.deepEqual(same.passTo(10 * HOUR).times, [HOUR + 10]);
});

test('first: the event that stops the clock starts none (A3)', () => {
  const rule = compiled(
    '{ id: a, when: { absence: { after: { event: ping }, of: ping, within: 1h, restart: first } } }',
  );
  const run = new PatternRun(rule).seeInOrder(event('ping', 0), event('ping', 10));
  assert.equal(run.state, null);
  assert.deepEqual(run.seeInOrder(event('ping', 20)).passTo(10 * HOUR).times, [HOUR + 20]);
});

test('an event that is both start and answer stops what waits and starts its own clock', () => {
  const rule = compiled(
    '{ id: a, when: { absence: { after: { event: ping }, of: ping, within: 1h, restart: each } } }',
  );
  const run = new PatternRun(rule).seeInOrder(event('ping', 0), event('ping', 10)).passTo(10 * HOUR);
  assert.deepEqual(run.times, [HOUR + 10]);
});

test('the condition of the answer reads what the start captured', () => {
  const rule = compiled(`
id: a
when:
  absence:
    after: { event: add, as: cart }
    of: { event: purchase, where: 'event.properties.cart == cart.properties.cart' }
    within: 1h
    restart: each
`);
  const add = (time: number, cart: string): Event => event('add', time, { cart });
  const first = add(0, 'c1');
  const run = new PatternRun(rule)
    .seeInOrder(first, add(1, 'c2'), event('purchase', 2, { cart: 'c2' }))
    .passTo(2 * HOUR);
  assert.deepEqual(
    run.matches.map((match) => match.captures),
    [{ cart: first }],
  );
});

test('an answer may be one of several', () => {
  const rule = compiled(`
id: a
when:
  absence: { after: { event: start }, of: [stop, { event: pay, where: event.properties.ok == true }], within: 1h }
`);
  const times = (...events: Event[]) => new PatternRun(rule).seeInOrder(...events).passTo(2 * HOUR).times;
  assert.deepEqual(times(event('start', 0), event('stop', 1)), []);
  assert.deepEqual(times(event('start', 0), event('pay', 1, { ok: true })), []);
  assert.deepEqual(times(event('start', 0), event('pay', 1, { ok: false })), [HOUR]);
});

test('events that come before the timer that is due ahead of them leave it alone (A2)', () => {
  for (const restart of ['latest', 'each', 'first']) {
    const run = absence(`, restart: ${restart}`).see(
      event('start', 0),
      event('start', 2 * HOUR),
      event('stop', 2 * HOUR + 1),
    );
    assert.deepEqual(run.passTo(10 * HOUR).times, [HOUR], restart);
  }
});

/** The definition of rules.md, straight from the whole history: no clocks, no state. */
function expectedTimes(events: readonly Event[], restart: string, within: number): number[] {
  const fired: number[] = [];
  /** For `first`: whether an event comes after the end of the last clock. */
  let isFree = (_index: number): boolean => true;
  for (const [index, start] of events.entries()) {
    if (start.event !== 'start' || !isFree(index)) continue;
    const deadline = start.time + within;
    const rest = events.slice(index + 1);
    const answer = rest.find((one) => one.event === 'stop' && one.time > start.time && one.time <= deadline);
    if (restart === 'first') {
      isFree = (later) => (answer === undefined ? events[later]!.time > deadline : later > events.indexOf(answer));
    }
    const again = rest.find((one) => one.event === 'start' && one.time <= deadline);
    if (restart === 'latest' && again !== undefined) {
      const before = answer === undefined || rest.indexOf(again) < rest.indexOf(answer);
      if (before) continue;
    }
    if (answer === undefined) fired.push(deadline);
  }
  return fired.sort((a, b) => a - b);
}

test('each way of restarting agrees with its definition over random histories', () => {
  const history = fc.array(fc.tuple(fc.constantFrom('start', 'stop'), fc.integer({ min: 0, max: 12 })), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(history, fc.constantFrom('latest', 'each', 'first'), (steps, restart) => {
      // Steps of 20 minutes, so that events often stand exactly at a deadline.
      const sorted = steps.map(([name, at]) => event(name, at * (HOUR / 3))).sort((a, b) => a.time - b.time);
      const run = absence(`, restart: ${restart}`)
        .seeInOrder(...sorted)
        .passTo(100 * HOUR);
      assert.deepEqual(run.times, expectedTimes(sorted, restart, HOUR));
      assert.equal(run.state, null);
    }),
    { numRuns: 2_000 },
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DecisionJson } from '../../../schemas/decision.ts';
import { type Decided, differencesOf, type FlowCourse } from '../../../services/what-if/differences.ts';

function decided(
  id: string,
  hour: number,
  more: Partial<DecisionJson> & {
    channels?: readonly string[];
    sentAt?: readonly string[];
    course?: FlowCourse | null;
  } = {},
): Decided {
  const { channels = ['email'], sentAt, course = null, ...fields } = more;
  const decision: DecisionJson = {
    ...{
      id,
      rule: 'r',
      ruleVersion: 'v',
      entity: { type: 'user', id: 'u' },
      outcome: 'fired',
      reason: null,
      events: [id],
    },
    ...{ values: {}, variant: null, flow: null, step: 0, at: `2026-01-01T${String(hour).padStart(2, '0')}:00:00.000Z` },
    ...fields,
  };
  return { decision, channels, sentAt: sentAt ?? channels.map(() => decision.at), flow: course };
}

const LIVES: FlowCourse = { variant: null, goalAt: null, ended: null, endedAt: null };
const cooled = { outcome: 'suppressed', reason: 'cooldown' } as const;
const kindsOf = (baseline: readonly Decided[], now: readonly Decided[]): string[] =>
  differencesOf(baseline, now).map(
    (each) => `${each.kind} ${each.baseline?.decision.id ?? '-'} ${each.now?.decision.id ?? '-'}`,
  );

test('what fires on one side alone, with or without a match on the other', () => {
  assert.deepEqual(kindsOf([], [decided('a', 1)]), ['fires - a']);
  assert.deepEqual(kindsOf([decided('a', 1)], []), ['silent a -']);
  assert.deepEqual(kindsOf([decided('a', 1, cooled)], [decided('a', 1)]), ['fires a a']);
  assert.deepEqual(kindsOf([decided('a', 1)], [decided('a', 1, cooled)]), ['silent a a']);
  assert.deepEqual(kindsOf([decided('a', 1, cooled)], []), []);
});

test('one match that fires at another time is earlier or later, told by the event that began it', () => {
  const begun = { events: ['m1', 'm2'] };
  assert.deepEqual(kindsOf([decided('a', 3, begun)], [decided('b', 2, begun)]), ['earlier a b']);
  assert.deepEqual(kindsOf([decided('a', 3, begun)], [decided('b', 4, begun)]), ['later a b']);
  assert.deepEqual(kindsOf([decided('a', 3)], [decided('b', 4)]), ['silent a -', 'fires - b']);
});

test('channels, variants and reasons differ only where nothing else does', () => {
  assert.deepEqual(kindsOf([decided('a', 1)], [decided('a', 1, { channels: ['sms'] })]), ['channel a a']);
  const [baseline, now] = ['A', 'B'].map((variant) => decided('a', 1, { course: { ...LIVES, variant } }));
  assert.deepEqual(kindsOf([baseline!], [now!]), ['variant a a']);
  const capped = { outcome: 'suppressed', reason: 'cap' } as const;
  assert.deepEqual(kindsOf([decided('a', 1, cooled)], [decided('a', 1, capped)]), ['reason a a']);
  assert.deepEqual(kindsOf([decided('a', 1)], [decided('a', 1, { values: { x: 1 }, ruleVersion: 'w' })]), []);
});

test('flows that begin alike and go on otherwise differ by their course', () => {
  const [three, four] = ['2026-01-01T03:00:00.000Z', '2026-01-01T04:00:00.000Z'];
  const course = { ...LIVES, ended: 'completed', endedAt: three };
  const before = decided('a', 1, { sentAt: [three], course });
  const coursesOf = (more: Parameters<typeof decided>[2]): string[] => kindsOf([before], [decided('a', 1, more)]);
  assert.deepEqual(coursesOf({ sentAt: [three], course }), []);
  assert.deepEqual(coursesOf({ sentAt: [four], course }), ['flow a a']);
  assert.deepEqual(coursesOf({ sentAt: [three], course: { ...course, endedAt: four } }), ['flow a a']);
  assert.deepEqual(coursesOf({ sentAt: [three], course: { ...course, goalAt: three, ended: 'goal' } }), ['flow a a']);
  assert.deepEqual(coursesOf({ sentAt: [three], course: LIVES }), ['flow a a']);
  assert.deepEqual(coursesOf({ channels: [], course }), ['channel a a']);
});

test('of a rule that has become a flow, or is none any more, only the times of messages count', () => {
  const before = decided('a', 1);
  assert.deepEqual(kindsOf([before], [decided('a', 1, { course: LIVES })]), []);
  assert.deepEqual(kindsOf([decided('a', 1, { course: LIVES })], [before]), []);
  const later = { sentAt: ['2026-01-01T02:00:00.000Z'], course: LIVES };
  assert.deepEqual(kindsOf([before], [decided('a', 1, later)]), ['flow a a']);
});

test('a digest is paired with digests, by the events that are in it, and not with a match of the same event', () => {
  const digest = { events: ['m1'], digest: { id: 'd', items: 2 } };
  const match = { events: ['m1'], channels: [] };
  const before = [decided('a', 1, match), decided('x', 5, digest)];
  assert.deepEqual(kindsOf(before, [decided('a', 1, match), decided('y', 6, digest)]), ['later x y']);
  assert.deepEqual(kindsOf(before, [decided('b', 1, { events: ['m1'] })]), ['channel a b', 'silent x -']);
});

test('what was deferred and fired later fired', () => {
  const deferred = decided('a', 1, { outcome: 'deferred', reason: 'quiet-hours' });
  assert.deepEqual(kindsOf([deferred, decided('a', 9)], [decided('a', 9)]), []);
  assert.deepEqual(kindsOf([deferred, decided('a', 9)], [decided('a', 1)]), ['earlier a a']);
  assert.deepEqual(kindsOf([deferred], [decided('a', 1)]), ['fires a a']);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { check, errorsOf } from '../kit.ts';

const HEAD = 'id: a\nwhen: { event: e }\n';

test('a test is read with its times, its defaults and its places', () => {
  const { tests, errors } = check(`${HEAD}tests:
  - name: one
    given:
      - { at: "2026-01-01T10:00:00Z", user: u1, event: e, properties: { n: 1 }, messageId: m1 }
      - { at: "2026-01-01T11:00:00+01:00", user: u1, type: identify, traits: { plan: pro } }
    advance: 25h
    expect:
      - { at: "2026-01-01T10:00:00Z", user: u1, outcome: suppressed, reason: cooldown }
`);
  assert.deepEqual(errors, []);
  const at = Date.UTC(2026, 0, 1, 10);
  const empty = { properties: {}, traits: {}, context: {}, answer: null, scores: null };
  assert.deepEqual(tests, [
    {
      rule: 'a',
      entity: 'user',
      name: 'one',
      place: { file: 'rule.yaml', line: 4, column: 5 },
      given: [
        {
          ...empty,
          place: { file: 'rule.yaml', line: 6, column: 9 },
          entityId: 'u1',
          at,
          type: 'track',
          event: 'e',
          messageId: 'm1',
          properties: { n: 1 },
        },
        {
          ...empty,
          place: { file: 'rule.yaml', line: 7, column: 9 },
          entityId: 'u1',
          at,
          type: 'identify',
          event: 'identify',
          messageId: null,
          traits: { plan: 'pro' },
        },
      ],
      advanceMs: 90_000_000,
      expect: [
        {
          place: { file: 'rule.yaml', line: 10, column: 9 },
          at,
          entityId: 'u1',
          rule: 'a',
          outcome: 'suppressed',
          reason: 'cooldown',
        },
      ],
      actions: null,
      flow: null,
    },
  ]);
});

test('a test may answer a review, set scores, and expect messages and the end of the flow', () => {
  const { tests, errors } = check(`${HEAD}tests:
  - name: one
    given:
      - { at: "2026-01-01T10:00:00Z", user: u1, answer: edit, data: { n: 1 } }
      - { at: "2026-01-01T11:00:00Z", user: u1, scores: { churn: 0.5 } }
    actions: [{ at: "2026-01-01T12:00:00Z", channel: sms, template: t, name: first, data: { n: 1 } }]
    flow: ended(goal)
`);
  assert.deepEqual(errors, []);
  const [{ given, expect, actions, flow }] = tests as [(typeof tests)[number]];
  assert.deepEqual(
    given.map(({ answer, scores }) => [answer, scores]),
    [
      [{ verdict: 'edit', data: { n: 1 } }, null],
      [null, { churn: 0.5 }],
    ],
  );
  const place = { file: 'rule.yaml', line: 8, column: 15 };
  const asked = { rule: 'a', channel: 'sms', template: 't', step: null, name: 'first', data: { n: 1 } };
  assert.deepEqual(actions, [{ place, at: Date.UTC(2026, 0, 1, 12), entityId: null, ...asked }]);
  assert.deepEqual([expect, flow], [null, 'ended(goal)']);
  assert.match(
    errorsOf(`${HEAD}tests: [{ name: x, given: [{ at: "2026-01-01T10:00:00Z", user: u1, event: e }] }]`)[0]!,
    /expects nothing/,
  );
  const given2 = (text: string) =>
    errorsOf(`${HEAD}tests: [{ name: x, given: [{ at: "2026-01-01T10:00:00Z", user: u1, ${text} }], expect: [] }]`)[0];
  assert.match(given2('event: e, data: { n: 1 }')!, /what a person changes/);
  assert.match(given2('event: e, answer: approve')!, /no event/);
});

test('the mistakes of a test are reported where they are', () => {
  const text = `${HEAD}tests:
  - name: one
    given: [{ at: "2026-01-01T10:00:00Z", event: e }]
    expect: []
  - name: one
    given: [{ at: "2026-01-01T10:00", user: u1, event: e }, { at: "2026-02-30T10:00:00Z", user: u1, event: e }, { at: "2026-01-01T10:00:00Z", user: u1 }]
    advance: soon
    expect: [{ at: "2026-01-01T10:00:00Z", outcome: fired, reason: cap }, { user: u1, entity: d1, outcome: fired }]
`;
  assert.deepEqual(
    check(text).errors.map(({ line, column, message }) => `${line}:${column} ${message}`),
    [
      '5:13 a given event must say whose it is',
      '7:11 another test of this rule is called "one"',
      '8:19 "at" must be a time with its zone, not "2026-01-01T10:00"',
      '8:67 "at" must be a time with its zone, not "2026-02-30T10:00:00Z"',
      '8:113 a given event needs "event"',
      '9:14 "advance" must be a duration, not "soon"',
      '10:68 a fired decision has no reason',
      '10:75 an entry of "expect" needs "at"',
      '10:95 give "user" or "entity", not both',
    ],
  );
});

test('a rule about another entity names it by entity', () => {
  const text = (whose: string) => `
id: a
entity: device
when: { event: e }
tests: [{ name: t, given: [{ at: "2026-01-01T10:00:00Z", ${whose}: d1, event: e }], expect: [] }]
`;
  assert.equal(check(text('entity'), { entities: ['device'] }).tests[0]?.given[0]?.entityId, 'd1');
  assert.match(errorsOf(text('user'), { entities: ['device'] })[0]!, /this rule is about a device \(write "entity"/);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { check, compiled, errorsOf, event, OPTIONS, scopeOf, unexpected } from '../kit.ts';

const OWN_CHANNEL = { template: 'optional', asksConsent: false, addresses: null } as const;

test('a rule without then has nothing to send', () => {
  assert.deepEqual(check('{ id: a, when: { event: e } }').rules[0]?.program.sends, []);
});

test('sends are numbered by their step', () => {
  const rule = compiled(`
id: a
when: { event: e }
then:
  - send: { channel: webhook }
  - send: { channel: email, template: hello, fallback: [sms] }
`);
  assert.deepEqual(
    rule.program.sends.map(({ step, channels, template }) => ({ step, channels, template })),
    [
      { step: 0, channels: ['webhook'], template: null },
      { step: 1, channels: ['email', 'sms'], template: 'hello' },
    ],
  );
});

test('data evaluates expressions, keeps durations and constants, and walks lists and mappings', () => {
  const rule = compiled(`
id: a
when: { event: e, as: cart }
then:
  - send:
      channel: webhook
      data:
        coupon: '"SAVE10"'
        validFor: 4h
        count: 3
        flag: true
        nothing: null
        id: cart.properties.id
        next: event.properties.n + 1
        whole: size(event.properties.list)
        when: event.timestamp
        ago: now - timestamp("1970-01-01T00:00:00Z")
        nested: { list: [event.event, 2, { x: '"y"' }] }
`);
  const e = event('e', 7_200_000, { id: 'c1', n: 1, list: [1, 2] });
  const data = rule.program.sends[0]!.data(scopeOf({ event: e, captures: { cart: e }, now: e.time }), unexpected);
  assert.deepEqual(data, {
    coupon: 'SAVE10',
    validFor: '4h',
    count: 3,
    flag: true,
    nothing: null,
    id: 'c1',
    next: 2,
    whole: 2,
    when: '1970-01-01T02:00:00.000Z',
    ago: '2h',
    nested: { list: ['e', 2, { x: 'y' }] },
  });
});

test('a value of data that fails is null, and reported', () => {
  const rule = compiled(
    '{ id: a, when: { event: e }, then: [{ send: { channel: webhook, data: { x: event.properties.x } } }] }',
  );
  const failures: string[] = [];
  const data = rule.program.sends[0]!.data(scopeOf({ event: event('e', 0) }), (source) => failures.push(source));
  assert.deepEqual([data, failures], [{ x: null }, ['event.properties.x']]);
});

test('text in data that is no expression is told to stand in quotes', () => {
  const text = '{ id: a, when: { event: e }, then: [{ send: { channel: webhook, data: { coupon: SAVE10 } } }] }';
  assert.match(errorsOf(text)[0]!, /unknown name "SAVE10".*text stands in quotes/);
});

test('a message channel needs a template, a webhook and a configured channel do not', () => {
  const send = (fields: string) => `{ id: a, when: { event: e }, then: [{ send: { ${fields} } }] }`;
  assert.deepEqual(errorsOf(send('channel: push')), [
    'rule.yaml:1:56: the channel "push" needs a template (add template: name-of-a-folder-in-templates)',
  ]);
  assert.deepEqual(errorsOf(send('channel: pagerduty')), []);
  assert.deepEqual(
    errorsOf(send('channel: warehouse'), { channels: new Map([...OPTIONS.channels, ['warehouse', OWN_CHANNEL]]) }),
    [],
  );
  assert.match(errorsOf(send('channel: webhook, fallback: [sms]'))[0]!, /the channel "sms" needs a template/);
});

test('a template must be there for the channel and for each fallback', () => {
  const text =
    '{ id: a, when: { event: e }, then: [{ send: { channel: email, template: hi, fallback: [sms, push] } }] }';
  const templates = (name: string, channel: string): boolean => name === 'hi' && channel !== 'sms';
  assert.deepEqual(errorsOf(text, { templates }), [
    'rule.yaml:1:73: there is no template "hi" for sms (expected templates/hi/sms.liquid)',
  ]);
});

test('a digest that makes no sense is refused, and of a critical rule warned of', () => {
  const rule = (digest: string, rest = '', when = '{ event: e }') =>
    `{ id: a, ${rest} when: ${when}, then: [{ send: { channel: webhook, digest: ${digest} } }] }`;
  assert.deepEqual(errorsOf(rule('{ window: 0s }')), ['rule.yaml:1:84: "window" must be longer than nothing']);
  assert.match(errorsOf(rule('{ window: 32d }'))[0]!, /"window" of a digest must be at most 31d/);
  assert.match(errorsOf(rule('{ first: true }'))[0]!, /window/);
  assert.match(errorsOf(rule('{ window: 1h, key: 1 + }'))[0]!, /rule.yaml:1:\d+/);
  assert.match(errorsOf(rule('{ window: 1h, every: 2h }'))[0]!, /every/);
  assert.match(
    errorsOf(rule('{ window: 1h }', '', '{ event: e, as: items }'))[0]!,
    /"items" is what a digest gathered, so that `as` cannot give that name \(such as my_items\)/,
  );
  const { errors, warnings } = check(rule('{ window: 1h }', 'urgency: critical,'));
  assert.deepEqual(errors, []);
  assert.deepEqual(
    warnings.map(({ message, hint }) => [message, hint]),
    [['critical messages are not gathered: each goes at once', 'leave digest out']],
  );
});

test('`items` and `more` are known in the data of a digest alone, and may be names elsewhere', () => {
  const rule = (digest: string, data: string, as = '') =>
    `{ id: a, when: { event: e${as} }, then: [{ send: { channel: webhook, ${digest} data: { x: '${data}' } } }] }`;
  assert.deepEqual(errorsOf(rule('digest: { window: 1h },', 'items[0].event.properties.x')), []);
  assert.match(errorsOf(rule('', 'size(items)'))[0]!, /unknown name "items"/);
  assert.deepEqual(errorsOf(rule('', 'items.properties.x', ', as: items')), []);
});

test('a fallback that was tried already is refused', () => {
  const text = '{ id: a, when: { event: e }, then: [{ send: { channel: webhook, fallback: [webhook] } }] }';
  assert.match(errorsOf(text)[0]!, /the channel "webhook" is tried already/);
});

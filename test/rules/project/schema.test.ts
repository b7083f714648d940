import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { RuleSchema } from '../../../rules/project/rule-schema.ts';
import { generatedFiles } from '../../../scripts/generate.ts';
import { errorsOf } from '../kit.ts';

const validate = new Ajv({ allErrors: true, strict: false }).compile(RuleSchema);

test('the generated files are current: npm run generate', async () => {
  for (const [path, content] of generatedFiles()) {
    assert.equal(await readFile(new URL(`../../../${path}`, import.meta.url), 'utf8'), content, path);
  }
});

const FULL = `
id: full
description: Everything that this version has
owner: growth
enabled: true
entity: user
when:
  absence:
    after: { event: [add, re-add], where: event.properties.n > 1, as: cart }
    of: [buy, { event: [remove, clear], where: cart.properties.n > 1 }]
    within: 1d12h
    restart: each
    by: event.properties.cart
if: profile.plan != "free"
priority: 60
urgency: operational
category: promotions
order: event-time
cooldown: { for: 7d, key: cart.properties.cart }
limit: [{ max: 3, per: 7d }]
validFor: 12h
goal: { event: buy, where: cart.properties.n > 1, within: 30d }
stopOn: [closed, { event: cleared }]
reentry: restart
inFlight: finish
exclusive: { group: checkout, preempt: true }
then:
  - name: first
    send: { channel: email, template: hello, fallback: [sms], data: { a: 1, b: [4h, { c: now }] }, if: cart.properties.n > 1, onSkip: exit }
  - wait: { until: "09:00", timezone: Europe/Berlin, days: [mon, tue] }
  - waitFor:
      any: [{ event: seen, as: look, do: [{ wait: { for: 1h } }] }, { event: gone, do: [{ exit: true }] }]
      atMost: 2d
      onTimeout: [{ review: { if: cart.properties.n > 9, atMost: 4h, onTimeout: approve, note: dear } }]
  - branch:
      - if: profile.plan == "pro"
        do: [{ set: { tier: '"vip"' } }]
      - else: [{ emit: { event: told, properties: { n: cart.properties.n } } }]
  - choose: { experiment: subject, by: weight, variants: [{ name: a, weight: 1, do: [] }, { name: b, weight: 2 }] }
tests:
  - name: t
    given:
      - { at: "2026-01-01T10:00:00Z", user: u1, event: add, properties: {}, traits: {}, context: {} }
      - { at: "2026-01-01T11:00:00Z", user: u1, answer: edit, data: { a: 2 } }
      - { at: "2026-01-01T12:00:00Z", user: u1, scores: { churn: 0.5 } }
    advance: 2d
    expect: [{ at: "2026-01-01T10:00:00Z", user: u1, rule: full, outcome: suppressed, reason: limit }]
    actions: [{ at: "2026-01-01T10:00:00Z", user: u1, channel: email, template: hello, step: 0, name: first, data: { a: 2 } }]
    flow: ended(goal)
`;

test('a standard validator accepts what the checker accepts', () => {
  for (const text of [
    FULL,
    '{ id: a, when: { event: "*" } }',
    '{ id: a, when: { inactive: { for: 1d } } }',
    '{ id: a, when: { count: { event: e, atLeast: 3, within: 1h } }, cooldown: 5m }',
  ]) {
    assert.deepEqual(errorsOf(text), []);
    assert.equal(validate(parse(text)), true, JSON.stringify(validate.errors));
  }
});

test('a standard validator refuses mistakes of shape, as the checker does', () => {
  for (const text of [
    '{ id: A, when: { event: e } }',
    '{ id: a }',
    '{ id: a, when: { event: e }, prioritty: 1 }',
    '{ id: a, when: { event: e }, priority: 101 }',
    '{ id: a, when: { inactive: { for: soon } } }',
    '{ id: a, when: { event: e }, urgency: high }',
    '{ id: a, when: { event: e }, limit: [] }',
  ]) {
    assert.notDeepEqual(errorsOf(text), []);
    assert.equal(validate(parse(text)), false, text);
  }
});

interface Described {
  readonly description?: string;
  readonly unavailable?: boolean;
  readonly properties?: Readonly<Record<string, Described>>;
}

test('editors have a description of every field of a rule, and learn what is not available', () => {
  for (const [name, field] of Object.entries((RuleSchema as Described).properties ?? {})) {
    assert.ok(field.description, name);
    assert.equal(field.description.startsWith('Not available in this version.'), field.unavailable === true, name);
  }
});

test('the schema that editors read refuses what the checker refuses as not available, and says so', () => {
  const written = JSON.parse(generatedFiles().get('schemas/rule.schema.json')!);
  const editor = new Ajv({ allErrors: true, strict: false }).compile(written);
  const isFine = (text: string): boolean => editor(parse(text));
  assert.equal(isFine(FULL), true, JSON.stringify(editor.errors));
  for (const step of [
    'branch: [{ if: "true", then: [] }]',
    'choose: {}',
    'wait: soon',
    'waitFor: { event: e }',
    'exit: {}',
  ]) {
    const text = `{ id: a, when: { event: e }, then: [{ ${step} }] }`;
    assert.notDeepEqual(errorsOf(text), [], step);
    assert.equal(isFine(text), false, step);
  }
  const refused = JSON.stringify(written).match(/"not":\{\},"description":"[^"]*"/g) ?? [];
  assert.equal(refused.length, 2);
  for (const each of refused) assert.match(each, /"Not available in this version\. /);
});

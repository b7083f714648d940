// summary.json: it is of the schema that is published, and every figure of it follows from the files beside it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Ajv } from 'ajv';
import { backtest as backtestCommand } from '../../../apps/cli/commands/backtest.ts';
import { seededRng } from '../../../lib/rng.ts';
import type { Summary } from '../../../services/backtest/summary-schema.ts';
import { folderWith, run } from './kit.ts';

const START = Date.UTC(2026, 0, 1);
const RULES = `id: cart
when: { absence: { after: { event: add }, of: buy, within: 2h } }
cooldown: 8h
then: [{ send: { channel: email, template: left } }, { send: { channel: webhook } }]
---
id: big
when: { event: buy, where: event.properties.value > 50 }
limit: [{ max: 2, per: 1d }]
then: [{ send: { channel: sms, template: thanks } }]
---
id: quiet
when: { event: nothing }
---
id: flowing
when: { event: add }
goal: { event: buy }
then:
  - { wait: 3h }
  - { send: { channel: webhook } }
---
id: gathering
when: { event: view }
then: [{ send: { channel: email, template: seen, digest: { window: 12h } } }]
---
id: failing
when: { event: view }
if: event.properties.missing > 3
`;

interface Row {
  readonly rule: string;
  readonly entity: { readonly type: string; readonly id: string };
  readonly at: string;
  readonly outcome: string;
  readonly reason: string | null;
  readonly channel: string;
  readonly digest?: object;
  readonly kind: string;
}

async function played(t: TestContext, seed: number) {
  const rng = seededRng(seed);
  const pick = (below: number): number => Math.floor(rng.next() * below);
  const lines = Array.from({ length: 500 }, (_, i) => {
    const event = ['add', 'buy', 'view', 'add'][pick(4)];
    const timestamp = new Date(START + i * 43 * 60_000).toISOString();
    const user = { type: 'track', messageId: `m${i}`, userId: `u${pick(9)}` };
    return `${JSON.stringify({ ...user, event, timestamp, properties: { value: pick(100) } })}\n`;
  });
  const folder = folderWith(t, { 'r.yaml': RULES, 'e.jsonl': `${lines.join('')}no JSON\n` });
  const words = ['--rules', 'r.yaml', '--events', 'e.jsonl', '--out', 'out', '--advance-to', 'end'];
  const ran = await run(['backtest', ...words, '--now', '2026-06-01T00:00:00Z'], [backtestCommand], folder);
  assert.equal(ran.code, 0, ran.err);
  const rowsOf = (name: string): Row[] =>
    readFileSync(join(folder, 'out', name), 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Row);
  const summary = JSON.parse(readFileSync(join(folder, 'out', 'summary.json'), 'utf8')) as Summary;
  return {
    summary,
    decisions: rowsOf('decisions.jsonl'),
    actions: rowsOf('actions.jsonl'),
    flows: rowsOf('flows.jsonl'),
  };
}

const who = ({ entity }: Row): string => `${entity.type}/${entity.id}`;

function countsOf(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

function mondayOf(at: string): string {
  const day = new Date(`${at.slice(0, 10)}T00:00:00Z`);
  day.setUTCDate(day.getUTCDate() - ((day.getUTCDay() + 6) % 7));
  return day.toISOString().slice(0, 10);
}

for (const seed of [1, 2]) {
  test(`every figure follows from decisions.jsonl, actions.jsonl and flows.jsonl (events ${seed})`, async (t) => {
    const { summary, decisions, actions, flows } = await played(t, seed);
    const isFired = ({ outcome, digest }: Row): boolean => outcome === 'fired' && digest === undefined;
    const fired = decisions.filter(isFired);
    const digests = decisions.filter(({ outcome, digest }) => outcome === 'fired' && digest !== undefined);
    assert.ok(fired.length > 50 && fired.length < decisions.length && digests.length > 5 && flows.length > 50);
    assert.deepEqual(
      [summary.decisions, summary.fired, summary.digests, summary.suppressed],
      [decisions.length, fired.length, digests.length, decisions.length - fired.length - digests.length],
    );
    assert.deepEqual(summary.actions, countsOf(actions.map(({ channel }) => channel)));

    const people = new Set(fired.map(who));
    const weeks = countsOf(actions.map((action) => `${who(action)} ${mondayOf(action.at)}`));
    const sorted = Object.values(weeks).sort((a, b) => a - b);
    const rank = (share: number): number => sorted[Math.ceil(sorted.length * share) - 1]!;
    const rulesOf = [...people].map(
      (id) => new Set(fired.filter((each) => who(each) === id).map(({ rule }) => rule)).size,
    );
    assert.deepEqual(summary.people, {
      reach: people.size,
      messages: actions.length,
      fatigue: { p50: rank(0.5), p95: rank(0.95), p99: rank(0.99), max: sorted.at(-1) },
      weekly: countsOf(sorted.map(String)),
      byRules: countsOf(rulesOf.map(String)),
    });

    const [firedOn, sentOn] = [fired, actions].map((rows) => countsOf(rows.map(({ at }) => at.slice(0, 10))));
    const days = [...new Set([...Object.keys(firedOn!), ...Object.keys(sentOn!)])].sort();
    assert.deepEqual(
      Object.entries(summary.volume.days),
      days.map((day) => [day, { fired: firedOn![day] ?? 0, messages: sentOn![day] ?? 0 }]),
    );
    const hours = Array.from(
      { length: 24 },
      (_, hour) => actions.filter(({ at }) => Number(at.slice(11, 13)) === hour).length,
    );
    assert.deepEqual(summary.volume.hours, hours);

    for (const [id, rule] of Object.entries(summary.rules)) {
      const own = decisions.filter((each) => each.rule === id);
      const ownFired = own.filter(isFired);
      const ownFlows = flows.filter((each) => each.rule === id);
      assert.equal(rule.fired, ownFired.length);
      assert.equal(rule.entities, new Set(ownFired.map(who)).size);
      assert.equal(rule.messages, actions.filter((action) => action.rule === id).length);
      assert.equal(rule.digests, digests.filter((each) => each.rule === id).length);
      const counts = countsOf(ownFlows.map(({ kind }) => kind));
      const ended = countsOf(ownFlows.flatMap(({ kind, reason }) => (kind === 'ended' ? [reason!] : [])));
      const { entered = 0, goal: goals = 0 } = counts;
      assert.deepEqual(rule.flows, id === 'flowing' ? { entered, goals, ended } : undefined);
      assert.deepEqual(rule.suppressed, countsOf(own.flatMap(({ reason }) => reason ?? [])));
    }
    assert.deepEqual(Object.keys(summary.rules), ['big', 'cart', 'failing', 'flowing', 'gathering', 'quiet']);
  });
}

test('what is written is of the published schema, and nothing else is', async (t) => {
  const { summary } = await played(t, 3);
  const schema = JSON.parse(
    readFileSync(new URL('../../../schemas/backtest-summary.schema.json', import.meta.url), 'utf8'),
  );
  const ajv = new Ajv({ strict: false, allErrors: true });
  const fits = ajv.compile(schema);
  assert.ok(fits(summary), ajv.errorsText(fits.errors));
  for (const wrong of [
    { ...summary, more: 1 },
    { ...summary, fired: -1 },
    { ...summary, people: { ...summary.people, fatigue: {} } },
    { ...summary, rules: { ...summary.rules, flowing: { ...summary.rules['flowing'], flows: { entered: 1 } } } },
    { ...summary, volume: { ...summary.volume, hours: [1] } },
  ]) {
    assert.equal(fits(wrong), false);
  }
});

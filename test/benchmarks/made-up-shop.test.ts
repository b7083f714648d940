import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { eventLines, SHOP_NAMES, writeEvents } from '../../benchmarks/events.ts';
import { benchmarkRules, benchmarkRulesFile } from '../../benchmarks/rules.ts';
import { channelTraits } from '../../connectors/channels/index.ts';
import { checkRules } from '../../rules/index.ts';
import { decide, type OracleEvent, type OracleRule } from '../oracle/oracle.ts';

const WEEK_MS = 604_800_000;

function textOf(options: Parameters<typeof eventLines>[0]): string {
  return Buffer.concat([...eventLines(options)]).toString('utf8');
}

function eventsOf(text: string) {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

it('the same options give the same bytes, another seed others', () => {
  const options = { events: 2_500, users: 100, spanMs: WEEK_MS };
  assert.equal(textOf(options), textOf(options));
  assert.notEqual(textOf(options), textOf({ ...options, seed: 2 }));
});

it('lines are whole events of 300 to 400 bytes, in order of time, over the whole span', () => {
  const text = textOf({ events: 2_500, users: 1_000_000, spanMs: WEEK_MS });
  const sizes = text
    .trimEnd()
    .split('\n')
    .map((line) => line.length);
  assert.ok(Math.min(...sizes) >= 300 && Math.max(...sizes) <= 400, `${Math.min(...sizes)} to ${Math.max(...sizes)}`);
  const events = eventsOf(text);
  assert.equal(events.length, 2_500);
  const times = events.map((event) => Date.parse(event.timestamp));
  assert.deepEqual(
    times,
    [...times].sort((a, b) => a - b),
  );
  assert.equal(times.at(-1)! - times[0]!, WEEK_MS);
  assert.equal(new Set(events.map((event) => event.messageId)).size, 2_500);
});

it('names come as often as their weights say', () => {
  const events = eventsOf(textOf({ events: 20_000, users: 10, spanMs: WEEK_MS }));
  const share = (name: string): number => events.filter((event) => event.event === name).length / events.length;
  for (const [name, weight] of Object.entries(SHOP_NAMES)) {
    assert.ok(Math.abs(share(name) - weight / 100) < 0.02, `${name}: ${share(name)}`);
  }
});

it('users in turn come once before any comes twice', () => {
  const events = eventsOf(
    textOf({ events: 3_000, users: 1_500, spanMs: 1_000, userOrder: 'in-turn', names: { add_to_cart: 1 } }),
  );
  assert.equal(new Set(events.slice(0, 1_500).map((event) => event.userId)).size, 1_500);
  assert.deepEqual(new Set(events.map((event) => event.event)), new Set(['add_to_cart']));
});

it('a file has the same bytes and the size that was returned', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'tripline-events-'));
  t.after(() => rm(folder, { recursive: true }));
  const options = { events: 1_234, users: 10, spanMs: WEEK_MS };
  const size = await writeEvents(join(folder, 'events.jsonl'), options);
  const written = await readFile(join(folder, 'events.jsonl'), 'utf8');
  assert.equal(written, textOf(options));
  assert.equal(Buffer.byteLength(written), size);
});

it('each of the ten rules fires on these events, and the further ones never', () => {
  const ONE_DAY_MS = 86_400_000;
  const lines = eventsOf(textOf({ events: 8_000, users: 8, spanMs: ONE_DAY_MS / 24 }));
  const events: OracleEvent[] = lines.map((line) => ({ ...line, time: Date.parse(line.timestamp) }));
  const rules: OracleRule[] = parseAllDocuments(benchmarkRulesFile(40)).map((document) => document.toJS());
  const { decisions } = decide({
    rules,
    events,
    endOfTime: events.at(-1)!.time + 30 * ONE_DAY_MS,
    outOfOrdernessMs: 5_000,
    dedupeWindowMs: ONE_DAY_MS,
    dedupeMax: 1_000,
  });
  const fired = new Set(decisions.filter((one) => one.outcome === 'fired').map((one) => one.rule));
  assert.deepEqual(
    [...fired].sort(),
    benchmarkRules(10)
      .map((rule) => rule.id)
      .sort(),
  );
});

it('any number of rules is valid, with ids of their own, the smaller set first', () => {
  for (const count of [1, 10, 1_000]) {
    const options = { outOfOrdernessMs: 5_000, entities: [], channels: channelTraits({}) };
    const { errors } = checkRules([{ file: 'rules.yaml', text: benchmarkRulesFile(count) }], options);
    assert.deepEqual(errors, []);
    const rules = benchmarkRules(count);
    assert.equal(new Set(rules.map((rule) => parse(rule.yaml).id)).size, count);
    assert.deepEqual(rules.slice(0, 10), benchmarkRules(10).slice(0, count));
  }
});

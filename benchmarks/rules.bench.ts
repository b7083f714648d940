// What an event costs as rules grow in number, and what it costs each pattern as an entity's history grows.
//
// Measured: with 10 to 10,000 rules, the production job without a log (topology/replay.ts) over events of a made-up shop,
// of which each concerns the same few rules; compiling the rules is not counted. By pattern: the pattern alone, fed one
// entity's events, one a second, the last tenth of a short and of a ten times longer history; and its bytes in the entity's
// document. Each ROUNDS times, of which the fastest counts. Not measured: reading files, the durable store.

import { channelTraits } from '../connectors/channels/index.ts';
import { PATTERN_STATES } from '../rules/patterns/index.ts';
import type { PatternInput, PatternState } from '../rules/patterns/pattern.ts';
import { checkRules } from '../rules/project/check.ts';
import type { CompiledRule } from '../rules/project/compiled-rule.ts';
import type { RuleSet } from '../rules/project/rule-set.ts';
import { ruleSetOf } from '../rules/project/rule-set.ts';
import { Event } from '../schemas/event.ts';
import type { LogRecord } from '../schemas/record.ts';
import { Section } from '../schemas/section.ts';
import { entityDocumentSpec } from '../state/entity/codec.ts';
import { emptyEntityDocument } from '../state/entity/document.ts';
import { MemoryStore } from '../state/store/memory-store.ts';
import { documentBytes } from '../state/store/stored-document.ts';
import { Replay } from '../topology/replay.ts';
import { eventLines } from './events.ts';
import { elapsed, type Figure } from './figure.ts';
import { benchmarkRulesFile } from './rules.ts';

const ROUNDS = 3;
const EVENTS = 40_000;
const COUNTS = [10, 100, 1_000, 10_000];
/** Events of one entity; the longer history has ten times as many. */
const HISTORY = 5_000;
const DAY_MS = 86_400_000;

/** One rule of each pattern over figures, dates and sessions, as they are used. */
const PATTERNS: Readonly<Record<string, string>> = {
  'count at least 5': 'count: { event: e, atLeast: 5, within: 1h }',
  'count distinct': 'count: { event: e, distinct: event.properties.page, atLeast: 20, within: 1h }',
  'count at most 5': 'count: { event: e, atMost: 5, within: 1h }',
  'aggregate sum': 'aggregate: { event: e, sum: event.properties.value, within: 1h, above: 1e9 }',
  'aggregate max': 'aggregate: { event: e, max: event.properties.value, within: 1h, above: 1e9 }',
  threshold: 'threshold: { event: e, value: event.properties.value, above: 90, for: 1m, clear: 50 }',
  baseline: 'baseline: { event: e, window: 10m, against: 4, dropBy: 50%, riseBy: 100% }',
  session: `session: { gap: 30m, when: 'session.count("e") > 1000000 && session.max(event.properties.value) > 1' }`,
  'all of two': 'all: [{ count: { event: e, atLeast: 5, within: 1h } }, { event: never }]\n  within: 1h',
};

/** `scale` 1 takes 40,000 events for each number of rules, and histories of 5,000 and 50,000 events for each pattern. */
export async function run(options: { scale: number }): Promise<Figure[]> {
  const events = Math.max(100, Math.round(EVENTS * options.scale));
  const figures: Figure[] = [];
  const records = recordsOf(events);
  for (const count of COUNTS) {
    const rules = ruleSet(benchmarkRulesFile(count));
    const seconds = await fastest(() => replay(rules, records));
    figures.push({
      name: `${count} rules: an event`,
      value: nanoseconds(seconds, events),
      unit: 'ns of processor time',
    });
  }
  const history = Math.max(100, Math.round(HISTORY * options.scale));
  for (const [name, pattern] of Object.entries(PATTERNS)) {
    const [rule] = ruleSet(`id: a\nwhen:\n  ${pattern}\n`).rules;
    for (const [length, words] of [
      [history, 'history'],
      [10 * history, 'history 10 x as long'],
    ] as const) {
      const { seconds, state } = await lastTenth(rule!, length);
      const unit = 'ns of processor time';
      figures.push({ name: `${name}, ${words}: an event`, value: nanoseconds(seconds, length / 10), unit });
      figures.push({ name: `${name}, ${words}: document`, value: bytesOf(state), unit: 'bytes' });
    }
  }
  return figures;
}

/** Whole, and at least 1: a figure of nothing says nothing. */
function nanoseconds(seconds: number, events: number): number {
  return Math.max(1, Math.round((seconds / events) * 1e9));
}

async function fastest(work: () => Promise<unknown>): Promise<number> {
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) best = Math.min(best, (await elapsed(work)).cpu);
  return best;
}

function recordsOf(events: number): LogRecord[] {
  const lines = [...eventLines({ events, users: Math.ceil(events / 20), spanMs: 30 * DAY_MS })];
  const texts = Buffer.concat(lines).toString().split('\n').filter(Boolean);
  return texts.map((text, offset) => {
    const timestamp = Date.parse(JSON.parse(text).timestamp);
    return { offset, timestamp, key: null, value: Buffer.from(text), headers: [] };
  });
}

async function replay(rules: RuleSet, records: readonly LogRecord[]): Promise<void> {
  const job = await Replay.open({
    rules,
    inputs: [{ format: 'segment', entity: 'user' }],
    store: new MemoryStore(),
    outOfOrdernessMs: 5_000,
    dedupeWindowMs: DAY_MS,
    dedupeMax: 1_000,
    recordBytesMax: 1_000_000,
    maxClockSkewMs: 0,
    wall: Date.UTC(9999, 0, 1),
    outputs: {},
  });
  await job.feed(records);
  job.close();
}

/** Processor time of the last tenth of the history, and the state after it. */
async function lastTenth(rule: CompiledRule, length: number): Promise<{ seconds: number; state: PatternState | null }> {
  let seconds = Infinity;
  let state: PatternState | null = null;
  for (let round = 0; round < ROUNDS; round++) {
    const input = inputOf();
    const stream = Array.from({ length }, (_, at) => eventOf(at));
    const feed = (events: readonly Event[]): void => {
      for (const event of events) {
        input.scope.now = event.time;
        state = rule.pattern.onEvent(state, event, input);
      }
    };
    state = null;
    feed(stream.slice(0, -length / 10));
    const { cpu } = await elapsed(async () => feed(stream.slice(-length / 10)));
    seconds = Math.min(seconds, cpu);
  }
  return { seconds, state };
}

function eventOf(at: number): Event {
  const properties = { value: (at * 7919) % 101, page: `/page/${(at * 31) % 200}` };
  const fields = { messageId: `message-${at}`, type: 'track', event: 'e', userId: 'u1', anonymousId: null };
  return new Event({ ...fields, time: at * 1_000, properties });
}

function inputOf(): PatternInput {
  const nothing = (): void => {};
  return {
    scope: { event: null, captures: {}, profile: {}, now: 0, session: null } as never,
    profileBefore: () => ({}),
    match: nothing,
    failed: nothing,
    dropped: nothing,
  };
}

function bytesOf(state: PatternState | null): number {
  if (state === null) return 1;
  const documents = entityDocumentSpec(() => ruleSetOf([]));
  const document = emptyEntityDocument();
  const empty = documentBytes(documents, document).length;
  document.rules.add({
    rule: 'r',
    fired: [],
    forgotten: -1,
    instances: [{ by: '', state: Section.of(PATTERN_STATES.get(state.kind)!, state) }],
  });
  return documentBytes(documents, document).length - empty;
}

function ruleSet(text: string): RuleSet {
  const options = { outOfOrdernessMs: 5_000, entities: [], channels: channelTraits({}) };
  const { ruleSet, errors } = checkRules([{ file: 'rules.yaml', text }], options);
  if (errors.length > 0) throw new Error(errors[0]!.message);
  return ruleSet;
}

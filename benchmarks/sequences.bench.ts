// What a sequence costs an event, by how many partial matches wait and how long the entity's history is.
//
// Measured: the pattern alone (rules/patterns/sequence), a sequence of five steps whose conditions read what was matched,
// fed events that pass through every partial match: 256 of one value of `by`, and 1,000 over four; their bytes in the
// document. The same with a history ten times as long, which must cost the same. Each ROUNDS times, of which the fastest
// counts, after a warm-up. Not measured: reading, deduplication, the sort buffer, the store.

import { channelTraits } from '../connectors/channels/index.ts';
import { PATTERN_STATES } from '../rules/patterns/index.ts';
import type { PatternInput, PatternState } from '../rules/patterns/pattern.ts';
import { checkRules } from '../rules/project/check.ts';
import type { CompiledRule } from '../rules/project/compiled-rule.ts';
import { ruleSetOf } from '../rules/project/rule-set.ts';
import { Event } from '../schemas/event.ts';
import { Section } from '../schemas/section.ts';
import { entityDocumentSpec } from '../state/entity/codec.ts';
import { emptyEntityDocument } from '../state/entity/document.ts';
import { documentBytes } from '../state/store/stored-document.ts';
import { elapsed, type Figure } from './figure.ts';

const ROUNDS = 3;
const EVENTS = 1_000;
const PARTIALS_MAX = 256;
/** Partial matches in all, over values of `by` that hold 250 each. */
const SPREAD = 1_000;

/** Five steps; each partial match is asked for each event of the second step, which must fit the first one's number. */
const RULE = `
id: five-steps
when:
  sequence:
    steps:
      - { event: step1, as: first }
      - { event: step2, where: event.properties.n == first.properties.n }
      - { event: step3, where: event.properties.n == first.properties.n }
      - { event: step4 }
      - { event: step5 }
    within: 7d
    skip: none
`;
/** The same without conditions on what was matched, which are then asked once an event. */
const PLAIN_RULE = RULE.replaceAll(/, where: [^}]+/g, '');

/** `scale` 1 feeds 1,000 events to each case. */
export async function run(options: { scale: number }): Promise<Figure[]> {
  const events = Math.max(50, Math.round(EVENTS * options.scale));
  const figures: Figure[] = [];
  for (const [name, text] of [
    ['conditions on what was matched', RULE],
    ['plain conditions', PLAIN_RULE],
  ] as const) {
    const rule = compiled(text);
    for (const waiting of [1, PARTIALS_MAX]) {
      const ns = await fastest(() => [waitingFor(rule, waiting)], rule, events);
      figures.push({
        name: `sequence, ${name}, ${waiting} waiting: an event`,
        value: ns,
        unit: 'ns of processor time',
      });
    }
    const spread = await fastest(() => Array.from({ length: 4 }, () => waitingFor(rule, SPREAD / 4)), rule, events);
    figures.push({
      name: `sequence, ${name}, ${SPREAD} waiting over 4 values: an event`,
      value: spread,
      unit: 'ns of processor time',
    });
    const longer = await fastest(() => [waitingFor(rule, PARTIALS_MAX)], rule, 10 * events);
    figures.push({
      name: `sequence, ${name}, ${PARTIALS_MAX} waiting, history 10 x as long: an event`,
      value: longer,
      unit: 'ns of processor time',
    });
    const bytes = bytesOf(waitingFor(rule, PARTIALS_MAX));
    figures.push({ name: `sequence, ${name}, ${PARTIALS_MAX} waiting: document`, value: bytes, unit: 'bytes' });
  }
  return figures;
}

/** Nanoseconds of processor time an event; the states in turn. */
async function fastest(statesOf: () => PatternState[], rule: CompiledRule, events: number): Promise<number> {
  let best = Infinity;
  for (let round = -1; round < ROUNDS; round++) {
    const states = statesOf();
    const input = inputOf();
    const stream = Array.from({ length: events }, (_, at) => eventOf('step2', 1_000_000 + at, -1));
    const { cpu } = await elapsed(async () => {
      for (const [at, event] of stream.entries()) rule.pattern.onEvent(states[at % states.length]!, event, input);
    });
    if (round >= 0) best = Math.min(best, (cpu / events) * 1e9);
  }
  return Math.round(best);
}

/** A state in which so many partial matches wait, each a step or two along. */
function waitingFor(rule: CompiledRule, count: number): PatternState {
  let state: PatternState | null = null;
  const input = inputOf();
  for (let n = 0; n < count; n++) state = rule.pattern.onEvent(state, eventOf('step1', n, n), input);
  return state!;
}

function eventOf(name: string, time: number, n: number): Event {
  const fields = { messageId: `${name}-${time}`, type: 'track', event: name, userId: 'u1', anonymousId: null, time };
  return new Event({ ...fields, properties: { n } });
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

function bytesOf(state: PatternState): number {
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

function compiled(text: string): CompiledRule {
  const { rules, errors } = checkRules([{ file: 'rule.yaml', text }], {
    outOfOrdernessMs: 0,
    entities: [],
    channels: channelTraits({}),
  });
  if (errors.length > 0) throw new Error(errors[0]!.message);
  return rules[0]!;
}

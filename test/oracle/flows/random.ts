// Random stories of flows: programs with all steps, rules, streams out of order within bounds, changes of rules, answers.
//
// Owns: the arbitraries. Does not own: patterns, conditions and events (test/property), what must come out (interpreter.ts).
//
// Invariants:
//   R1. Rules are plain objects that YAML can hold. A goal is not the trigger, and no rule is fed by what it emits.
//   R2. Times are mostly multiples of one unit, so that deadlines, goals and waits meet events to the millisecond.
//   R3. A changed rule keeps its `when`: what patterns make of changes is not the matter here.

import fc from 'fast-check';
import { orderedEvents, rule, shuffledWithin } from '../../property/generators.ts';
import type { OracleEvent, OracleRule } from '../rule.ts';
import { interpret } from './interpreter.ts';
import { CHANNELS, FLOW_NAMES, fields, maybe, program } from './random-program.ts';
import type { FlowRule } from './rule.ts';
import type { Cap, FlowRecord, Input, Story } from './story.ts';

export const OUT_OF_ORDERNESS_MS = 15_000;
/** Past the longest flow. */
const AFTER_LAST_EVENT_MS = 3_600_000;

const obeyed = fields<
  Pick<FlowRule, 'goal' | 'stopOn' | 'reentry' | 'exclusive' | 'quietHours' | 'priority' | 'holdout'>
>({
  goal: maybe(
    fields<NonNullable<FlowRule['goal']>>({
      event: fc.constantFrom(...FLOW_NAMES),
      where: maybe(fc.constant('event.properties.cart == "c1"')),
      within: maybe(fc.constantFrom('2m', '1h'), 1),
    }),
    1,
  ),
  stopOn: maybe(fc.constantFrom(['click'], [{ event: 'done', where: 'event.properties.cart == "c2"' }]), 3),
  reentry: maybe(fc.constantFrom('none', 'restart', 'parallel'), 1),
  exclusive: maybe(fc.constantFrom('g', { group: 'g', preempt: true }, { group: 'g', preempt: true }), 1),
  quietHours: maybe(fc.constantFrom({ from: '00:01', to: '00:03' }, { from: '00:00', to: '00:02' }), 3),
  priority: fc.constantFrom(40, 50, 60),
  holdout: maybe(fc.constant('50%'), 6),
});

/** A rule with a program; `order`: as rule() of test/property. */
function flowRule(id: string, order: 'any' | 'event-time'): fc.Arbitrary<FlowRule> {
  return fc
    .tuple(
      fc.oneof(plainRule(id, order), rule(id, { patterns: ['event', 'absence', 'count'], order })),
      obeyed,
      program,
    )
    .map(([body, more, then]) => ({ ...withoutAny(body), ...more, then }));
}

/** One that fires often, so that flows meet. */
function plainRule(id: string, order: 'any' | 'event-time'): fc.Arbitrary<OracleRule> {
  const lane = order === 'any' ? fc.constantFrom('arrival', 'event-time') : fc.constant('event-time');
  return fc
    .tuple(fc.constantFrom('add', 'buy', 'view', 'login'), lane)
    .map(([event, made]) => ({ id, when: { event, as: 'origin' }, order: made as 'arrival' | 'event-time' }));
}

/** A pattern of any event would be fed by what its own rule emits, and begun by its own goal. */
function withoutAny(rule: OracleRule): OracleRule {
  return JSON.parse(JSON.stringify(rule).replaceAll('"*"', '"view"')) as OracleRule;
}

const then: FlowRule['then'] = [{ send: { channel: 'webhook' } }];
/** What emitted events bring about. */
const pinged: FlowRule = {
  id: 'pinged',
  when: { event: 'pinged' },
  order: 'event-time',
  then,
};

const caps: fc.Arbitrary<Cap[]> = fc.array(
  fields<Cap>({
    max: fc.integer({ min: 1, max: 4 }),
    per: fc.constantFrom('20s', '60s', 'day'),
    channel: maybe(fc.constantFrom(...CHANNELS), 1),
  }),
  { maxLength: 2 },
);

export interface StoryOptions {
  /** `within`: out of order within bounds. */
  readonly shuffle: 'none' | 'within';
  /** Default any. */
  readonly order?: 'any' | 'event-time';
  /** Changes of rules, answers and what people say of consent: their place among the events matters. Default true. */
  readonly places?: boolean;
}

export function stories(options: StoryOptions): fc.Arbitrary<Story> {
  const { shuffle, order = 'any', places = true } = options;
  const rules = fc.integer({ min: 1, max: 3 }).chain((count) => {
    const made = fc.tuple(...Array.from({ length: count }, (_, index) => flowRule(`r${index}`, order)));
    return made.map((list) => [...list, pinged]);
  });
  return fc
    .tuple(rules, flowEvents(), caps)
    .chain(([made, events, capsMade]) =>
      fc.tuple(
        fc.constant(made),
        shuffle === 'none' ? fc.constant(events) : shuffledWithin(events, OUT_OF_ORDERNESS_MS),
        fc.constant(capsMade),
        places ? changesOf(made, events.length) : fc.constant([]),
      ),
    )
    .map(([made, events, capsMade, between]) => ({
      rules: made,
      inputs: placed(events, between),
      endOfTime: Math.max(0, ...events.map(({ time }) => time)) + AFTER_LAST_EVENT_MS,
      outOfOrdernessMs: OUT_OF_ORDERNESS_MS,
      caps: capsMade,
      heldOut: (_rule, entity) => entity === 'u2',
    }));
}

/** Events in order of time, some of them for flows alone, some of which tell which flow they are about. */
function flowEvents(): fc.Arbitrary<OracleEvent[]> {
  return orderedEvents({ eventsMax: 50, usersMax: 2, dates: true }).chain((events) =>
    fc
      .array(maybe(fc.constantFrom(...FLOW_NAMES), 3), { minLength: events.length, maxLength: events.length })
      .map((names) => {
        const made = new Map<string, OracleEvent>();
        return events.map((event, place) => {
          const name = names[place];
          const renamed = name === undefined || event.type === 'identify' ? event : { ...event, event: name };
          // A repeat is the same as what it repeats.
          const known = made.get(event.messageId) ?? renamed;
          made.set(event.messageId, known);
          return known;
        });
      }),
  );
}

interface Between {
  readonly place: number;
  readonly input: Input;
}

function changesOf(rules: readonly FlowRule[], length: number): fc.Arbitrary<Between[]> {
  const place = fc.integer({ min: 0, max: length });
  const changed = fc
    .tuple(
      ...rules.map((before) =>
        // With a program of its own it would be fed by what it emits.
        before === pinged
          ? fc.constant(before)
          : fc.oneof(
              { weight: 2, arbitrary: fc.constant(before) },
              {
                weight: 3,
                arbitrary: fc
                  .tuple(program, maybe(fc.constantFrom('move', 'finish', 'end'), 1))
                  .map(([then, inFlight]) => ({ ...before, then, ...(inFlight !== undefined && { inFlight }) })),
              },
              { weight: 1, arbitrary: fc.constant(null) },
            ),
      ),
    )
    .map((list) => list.filter((one) => one !== null));
  const change = fc
    .tuple(place, changed)
    .map(([at, made]): Between => ({ place: at, input: { kind: 'rules', rules: made } }));
  const said = fc.record({
    channels: fc.record({ sms: fc.boolean(), email: fc.boolean() }, { requiredKeys: [], noNullPrototype: true }),
  });
  const consent = fc
    .tuple(place, said)
    .map(([at, { channels }]): Between => ({ place: at, input: { kind: 'consent', entity: 'u1', channels } }));
  return fc
    .tuple(fc.array(change, { maxLength: 2 }), fc.array(consent, { maxLength: 2 }))
    .map(([changes, consents]) => [...changes, ...consents]);
}

function placed(events: readonly OracleEvent[], between: readonly Between[]): Input[] {
  const at = (place: number): Input[] => between.filter((one) => one.place === place).map(({ input }) => input);
  return [...events.flatMap((event, place): Input[] => [...at(place), { kind: 'event', event }]), ...at(events.length)];
}

/** Something that refers to what came up in a story: an answer to a question, or an event that tells which flow it is about. */
export interface Reply {
  /** Which of the questions that are open then, in turn. */
  readonly question: number;
  readonly delayMs: number;
  /** Null: an event names a flow. */
  readonly answer: 'approve' | 'edit' | 'reject' | null;
}

export const replies: fc.Arbitrary<Reply[]> = fc.array(
  fc.record({
    question: fc.nat({ max: 20 }),
    delayMs: fc.constantFrom(0, 1, 5_000, 10_000, 20_000),
    answer: fc.constantFrom('approve', 'edit', 'reject', null, null),
  }),
  { maxLength: 6 },
);

/** The story with these replies in it: only running it tells which questions and flows there are. */
export function answering(story: Story, list: readonly Reply[]): Story {
  let inputs = [...story.inputs];
  for (const { question, delayMs, answer } of list) {
    const { records } = interpret({ ...story, inputs });
    if (answer === null) {
      inputs = naming(inputs, records, question);
      continue;
    }
    const stepOf = ({ flow, step }: FlowRecord): string => `${flow} ${step}`;
    const reviewed = new Set(records.filter(({ kind }) => kind === 'reviewed').map(stepOf));
    const asked = records.filter((one) => one.kind === 'waiting' && one.reason === null && reviewed.has(stepOf(one)));
    const one = asked[question % Math.max(1, asked.length)];
    if (one === undefined) continue;
    const time = one.at + delayMs;
    const data = answer === 'edit' ? { plan: 'edited' } : {};
    const place = inputs.findIndex((each) => each.kind === 'event' && each.event.time >= time);
    const at = place === -1 ? inputs.length : place;
    inputs.splice(at, 0, { kind: 'answer', entity: one.entity, time, of: one.flow, answer, data });
  }
  return { ...story, inputs };
}

/** The inputs with an event, after the beginning of one of the flows, that names it. */
function naming(inputs: Input[], records: readonly FlowRecord[], pick: number): Input[] {
  const flows = records.filter(({ kind }) => kind === 'entered');
  const flow = flows[pick % Math.max(1, flows.length)];
  const later = inputs.flatMap((one) =>
    one.kind === 'event' && one.event.userId === flow?.entity && one.event.time > flow.at ? [one.event.messageId] : [],
  );
  const id = later[pick % Math.max(1, later.length)];
  if (flow === undefined || id === undefined) return inputs;
  return inputs.map((one) => {
    if (one.kind !== 'event' || one.event.messageId !== id) return one;
    return { kind: 'event', event: { ...one.event, properties: { ...one.event.properties, flow: flow.flow } } };
  });
}

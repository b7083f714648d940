// The second mind for flows: what a set of rules with programs must do with a history, by brute force, written from the pages
// alone and sharing no code with the engine.
//
// Owns: the order of reading, stream time, lateness, duplicates, the order of the answer. Does not own: patterns (../patterns.ts),
// gates (decide.ts), steps (steps.ts), what happens in event-time order (turns.ts). Where the pages leave something open, README.md
// says what was chosen.
//
// Invariants:
//   I1. Inputs are read one after the other. After each, stream time is the highest event time read less `outOfOrdernessMs` and
//       1 ms, and all that is due by then happens, earliest first, over all entities; after the last it is `endOfTime`.
//   I2. Rules in order of arrival decide when an event is read; where a flow matters that may end before, at the event's turn
//       in event-time order.
//   I3. Flows see events in event-time order alone, whatever order their rules have.
//   I4. At one time: events in the order of input, then the rest. What is emitted is read as soon as the entity is at rest, and has
//       its turn before anything that is due at the same time.

import { concerns, laneOf, named, type OracleEvent } from '../rule.ts';
import { changeRules, versionsOf } from './changes.ts';
import { decideAll } from './decide.ts';
import { matchesOfEvent } from './matches.ts';
import { outcomeHasCome } from './routes.ts';
import { compareText } from './rule.ts';
import type { Moment } from './scope.ts';
import { type FlowAnswer, type FlowRecord, type Input, READABLE_IDS, type Story } from './story.ts';
import { answerHasCome, eventHasCome, nextTimer, tell, timeOf } from './turns.ts';
import { type Entity, newEntity, type World } from './world.ts';

/** Throws on rules that it does not model. */
export function interpret(story: Story): FlowAnswer {
  const world: World = {
    ...{ story, ids: story.ids ?? READABLE_IDS, entities: new Map(), versions: [], depths: new Map() },
    ...{ streamTime: Number.NEGATIVE_INFINITY, wall: null, tooDeep: 0 },
  };
  const reading = { world, changes: 1, turn: 0, late: [] as string[] };
  world.versions = versionsOf(world, story.rules, 0);
  for (const input of story.inputs) {
    read(reading, input);
    if (input.kind !== 'event' && input.kind !== 'answer') continue;
    const time = input.kind === 'event' ? input.event.time : input.time;
    settle(reading, time - story.outOfOrdernessMs - 1);
  }
  settle(reading, story.endOfTime);
  return answerOf(world, reading.late);
}

interface Reading {
  readonly world: World;
  /** Sets of rules so far. */
  changes: number;
  turn: number;
  readonly late: string[];
}

function entityOf({ world, changes }: Reading, id: string): Entity {
  const known = world.entities.get(id) ?? newEntity(id, changes);
  world.entities.set(id, known);
  return known;
}

function read(reading: Reading, input: Input): void {
  const { world } = reading;
  switch (input.kind) {
    case 'event':
      readEvent(reading, input.event);
      return;
    case 'rules':
      changeRules(world, input.rules, reading.changes++);
      return;
    case 'answer':
      entityOf(reading, input.entity).buffer.push({ time: input.time, turn: reading.turn++, what: { answer: input } });
      return;
    case 'wall':
      world.wall = input.time;
      return;
    case 'consent': {
      const { said } = entityOf(reading, input.entity);
      if (input.all !== undefined) said.set('all', input.all);
      for (const [name, value] of Object.entries(input.categories ?? {})) said.set(`category ${name}`, value);
      for (const [name, value] of Object.entries(input.channels ?? {})) said.set(`channel ${name}`, value);
    }
  }
}

function readEvent(reading: Reading, event: OracleEvent, isEmitted = false): void {
  const { world } = reading;
  const entity = entityOf(reading, event.userId);
  if (entity.arrived.some((one) => one.messageId === event.messageId)) return;
  entity.arrived.push(event);
  if (event.type === 'identify' && !isEmitted) tell(entity.toldRead, event);
  outcomeHasCome(world, entity, event);
  if (isLate(entity, event, isEmitted)) {
    if (event.type === 'identify') tell(entity.toldSeen, event);
    if (isAwaited(world, event)) reading.late.push(event.messageId);
  } else {
    entity.buffer.push({ time: event.time, turn: reading.turn++, what: { event } });
  }
  const moment: Moment = { entity, at: event.time, lane: 'arrival' };
  const waiting = decideAll(world, moment, matchesOfEvent(world, entity, event, 'arrival'));
  entity.waitingForFlows.push(...waiting.map((candidate) => ({ event, candidate })));
  readEmitted(reading, entity);
}

function readEmitted(reading: Reading, entity: Entity): void {
  for (const { event } of entity.emitted.splice(0)) readEvent(reading, event, true);
}

/** A later event of the entity had its turn, or a time that is not before the event's; what that time emitted may follow it. */
function isLate(entity: Entity, { time }: OracleEvent, isEmitted: boolean): boolean {
  return time < entity.lastEventAt || (isEmitted ? time < entity.lastTimerAt : time <= entity.lastTimerAt);
}

/** Whether anything in event-time order looks at such events. */
function isAwaited(world: World, event: OracleEvent): boolean {
  return world.versions.some(({ rule, program }) => {
    if (laneOf(rule) === 'event-time' && concerns(rule, event)) return true;
    const stops = (rule.stopOn ?? []).map((one) => (typeof one === 'string' ? one : one.event));
    const waits = program.flatMap(({ body }) => (body.waitFor?.any ?? [body.waitFor]).map((one) => one?.event ?? []));
    return [rule.goal?.event ?? [], ...stops, ...waits].some((names) => named(names, event));
  });
}

/** All that is due by `time` happens, earliest first; of one time by entity, and of an entity events first (I4). */
function settle(reading: Reading, time: number): void {
  const { world } = reading;
  world.streamTime = Math.max(world.streamTime, time);
  for (;;) {
    const entities = [...world.entities.values()].sort((a, b) => compareText(a.id, b.id));
    const next = entities
      .map((entity) => ({ entity, item: firstItem(entity), timer: nextTimer(world, entity) }))
      .map((one) => ({ ...one, at: Math.min(one.item?.time ?? Infinity, one.timer) }))
      .sort((a, b) => a.at - b.at)[0];
    if (next === undefined || next.at > world.streamTime) return;
    const { entity, item, timer, at } = next;
    if (item !== undefined && item.time <= timer) {
      entity.buffer.splice(entity.buffer.indexOf(item), 1);
      if ('answer' in item.what) answerHasCome(world, entity, item.what.answer);
      else {
        if (isAwaited(world, item.what.event)) entity.lastEventAt = Math.max(entity.lastEventAt, at);
        eventHasCome(world, entity, item.what.event);
      }
    } else {
      timeOf(world, entity, at);
      entity.lastTimerAt = Math.max(entity.lastTimerAt, at);
    }
    readEmitted(reading, entity);
  }
}

function firstItem({ buffer }: Entity): Entity['buffer'][number] | undefined {
  return [...buffer].sort((a, b) => a.time - b.time || a.turn - b.turn)[0];
}

function answerOf(world: World, late: readonly string[]): FlowAnswer {
  const entities = [...world.entities.values()];
  const before = (a: Pick<FlowRecord, 'at' | 'entity' | 'rule'>, b: typeof a): number =>
    a.at - b.at || compareText(a.entity, b.entity) || compareText(a.rule, b.rule);
  return {
    decisions: entities.flatMap(({ decisions }) => decisions).sort(before),
    actions: entities
      .flatMap(({ actions }) => actions)
      .sort((a, b) => before(a, b) || compareText(a.decision, b.decision) || a.step - b.step || a.attempt - b.attempt),
    records: entities.flatMap(({ records }) => records).sort((a, b) => before(a, b) || compareText(a.flow, b.flow)),
    late,
    tooDeep: world.tooDeep,
  };
}

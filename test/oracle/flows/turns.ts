// What happens to an entity in event-time order: the turn of an event, of an answer, and of a time that has come.
//
// Invariants:
//   U1. At an event: goals, then stopOn, then flows that wait for it, then candidates. What the event ends takes no more steps.
//   U2. At a time: flows whose wait is over, then candidates. Everything stamped with it, emitted events too, comes before.

import { fits } from '../match.ts';
import { asPattern, durationMs, type OracleEvent } from '../rule.ts';
import { decide, decideAll, suppress } from './decide.ts';
import { deadlineKey, deadlinesAt, matchesOfEvent } from './matches.ts';
import { armOfWaitFor } from './program.ts';
import { compareRules, compareText, reviewOf } from './rule.ts';
import { type Moment, namesAt } from './scope.ts';
import { end, REVIEW_DEFAULTS, record, run, timeHasCome } from './steps.ts';
import type { Answer, Candidate, Entity, Flow, Pending, Told, Watched, World } from './world.ts';

export function eventHasCome(world: World, entity: Entity, event: OracleEvent): void {
  const moment: Moment = { entity, at: event.time, lane: 'event-time' };
  entity.seen.push(event);
  // What a step set was told when it ran, and must not come over what another step has set since.
  if (event.type === 'identify' && !world.depths.has(event.messageId)) tell(entity.toldSeen, event);
  endByGoals(world, moment, event);
  endByStops(world, moment, event);
  for (const flow of inOrder(entity.flows)) {
    const fitting = flow.ended === null ? fittingEntry(moment, flow, event) : null;
    if (fitting === null) continue;
    const { as, index } = fitting;
    const step = flow.version.program[flow.waiting!.step]!;
    flow.waiting = null;
    flow.depth = world.depths.get(event.messageId) ?? 0;
    if (as !== undefined) flow.names = { ...flow.names, [as]: event };
    run(world, moment, flow, armOfWaitFor(step, index));
  }
  const waited = entity.waitingForFlows.filter((one) => one.event === event).map((one) => one.candidate);
  entity.waitingForFlows = entity.waitingForFlows.filter((one) => one.event !== event);
  decideAll(world, moment, [...matchesOfEvent(world, entity, event, 'event-time'), ...waited]);
}

/** Adds what an identify message tells of the profile. */
export function tell(told: Told[], { traits = {}, time }: OracleEvent): void {
  for (const [name, value] of Object.entries(traits)) told.push({ name, value, at: time });
}

function isIn(event: OracleEvent, after: number, within: string | undefined): boolean {
  return event.time > after && (within === undefined || event.time <= after + durationMs(within));
}

function reachesGoal(moment: Moment, watched: Watched, event: OracleEvent): boolean {
  const { goal } = watched.version.rule;
  if (goal === undefined || watched.goalReached || !isIn(event, watched.matchedAt, goal.within)) return false;
  return fits(goal, event, namesAt(moment, watched.names, watched));
}

function endByGoals(world: World, moment: Moment, event: OracleEvent): void {
  const { entity } = moment;
  const reached = (watched: Watched): boolean => {
    if (!reachesGoal(moment, watched, event)) return false;
    watched.goalReached = true;
    record(moment, watched, 'goal');
    return true;
  };
  for (const one of entity.heldOut) if (one.version.rule.goal?.within !== undefined) reached(one);
  for (const flow of inOrder(entity.flows)) {
    const wasLiving = flow.ended === null;
    if (!wasLiving && flow.version.rule.goal?.within === undefined) continue;
    if (flow.startedAt > event.time || !reached(flow)) continue;
    if (wasLiving) end(moment, flow, 'goal');
  }
  dropPending(world, moment, 'goal', (pending) => reachesGoal(moment, watchedOf(pending), event));
}

function endByStops(world: World, moment: Moment, event: OracleEvent): void {
  const { entity } = moment;
  const isStopped = (watched: Watched): boolean =>
    event.time > watched.matchedAt &&
    (watched.version.rule.stopOn ?? []).some((one) =>
      fits(asPattern(one), event, namesAt(moment, watched.names, watched)),
    );
  for (const flow of inOrder(entity.flows)) {
    if (flow.ended === null && flow.startedAt <= event.time && isStopped(flow)) end(moment, flow, 'stopped');
  }
  dropPending(world, moment, 'stopped', (pending) => isStopped(watchedOf(pending)));
}

/** A candidate that waits, as the flow that it may become. */
function watchedOf({ candidate, decision }: Pending): Watched {
  const { version, match, by } = candidate;
  const times = { matchedAt: match.at, startedAt: match.at };
  return { id: decision, by, version, names: match.names, variant: null, goalReached: false, ...times };
}

function dropPending(world: World, moment: Moment, reason: string, isOver: (pending: Pending) => boolean): void {
  const { entity } = moment;
  for (const pending of entity.pending.filter(isOver)) {
    entity.pending.splice(entity.pending.indexOf(pending), 1);
    suppress(world, moment, pending.candidate, reason);
  }
}

/** The entry of the waitFor that the event fits; null: none, or the flow does not wait for an event. */
function fittingEntry(
  moment: Moment,
  flow: Flow,
  event: OracleEvent,
): { as: string | undefined; index: number } | null {
  const { waiting } = flow;
  if (waiting?.kind !== 'waitFor' || event.time <= waiting.since || event.time > waiting.until) return null;
  const body = flow.version.program[waiting.step]!.body.waitFor!;
  const names = namesAt(moment, flow.names, flow);
  const entries = body.any ?? [body];
  const index = entries.findIndex((one) => fits({ ...one, event: one.event! }, event, names));
  return index === -1 ? null : { index, as: entries[index]!.as };
}

/** An answer counts from after the question up to the end of its time. */
export function answerHasCome(world: World, entity: Entity, answer: Answer): void {
  const { time, of, data = {} } = answer;
  const moment: Moment = { entity, at: time, lane: 'event-time' };
  const isAsked = ({ since, until }: { since: number; until: number }): boolean => time > since && time <= until;
  const pending = entity.pending.find((one) => one.decision === of && one.why === 'review' && isAsked(one));
  if (pending !== undefined) {
    entity.pending.splice(entity.pending.indexOf(pending), 1);
    if (answer.answer === 'reject') suppress(world, moment, pending.candidate, 'rejected');
    else again(world, moment, { ...pending.candidate, isReviewed: true, edits: data });
    return;
  }
  const flow = entity.flows.find((one) => one.id === of && one.waiting?.kind === 'review' && isAsked(one.waiting));
  if (flow === undefined) return;
  const step = flow.version.program[flow.waiting!.step]!;
  flow.waiting = null;
  flow.depth = 0;
  record(moment, flow, 'reviewed', { step, reason: answer.answer });
  flow.edits = { ...flow.edits, ...data };
  if (answer.answer === 'reject') end(moment, flow, 'rejected');
  else run(world, moment, flow, step.next);
}

/** When the next timer of the entity is due; Infinity: there is none. */
export function nextTimer(world: World, entity: Entity): number {
  return Math.min(
    ...entity.flows.flatMap(({ waiting }) => (waiting === null ? [] : [waiting.until])),
    ...entity.pending.map(({ until }) => until),
    ...deadlinesAt(world, entity).map(({ match }) => match.at),
  );
}

/** One thing that is due at `at`: the first flow whose wait is over, else all candidates. */
export function timeOf(world: World, entity: Entity, at: number): void {
  const moment: Moment = { entity, at, lane: 'event-time' };
  const [flow] = inOrder(entity.flows.filter(({ waiting }) => waiting?.until === at));
  if (flow !== undefined) {
    timeHasCome(world, moment, flow);
    return;
  }
  const candidates: Candidate[] = deadlinesAt(world, entity).filter(({ match }) => match.at === at);
  for (const { match, version } of candidates) entity.deadlinesDone.add(deadlineKey(version.rule.id, match));
  for (const pending of entity.pending.filter(({ until }) => until === at)) {
    entity.pending.splice(entity.pending.indexOf(pending), 1);
    const { candidate, why } = pending;
    const current = world.versions.find((one) => one.rule.id === candidate.version.rule.id);
    if (current === undefined) continue;
    const isRejected =
      why === 'review' && (reviewOf(current.rule)?.onTimeout ?? REVIEW_DEFAULTS.onTimeout) === 'reject';
    if (isRejected) suppress(world, moment, candidate, 'rejected');
    else candidates.push({ ...candidate, version: current, isReviewed: candidate.isReviewed || why === 'review' });
  }
  decideAll(world, moment, candidates);
}

function again(world: World, moment: Moment, candidate: Candidate): void {
  const current = world.versions.find((one) => one.rule.id === candidate.version.rule.id);
  if (current !== undefined) decide(world, moment, { ...candidate, version: current });
}

/** Flows at one time: by rule as candidates, then those that began earlier. */
function inOrder(flows: readonly Flow[]): Flow[] {
  return [...flows].sort(
    (a, b) => compareRules(a.version.rule, b.version.rule) || a.startedAt - b.startedAt || compareText(a.id, b.id),
  );
}

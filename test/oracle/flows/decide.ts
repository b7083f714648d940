// A match on its way through the gates, and the flow that it begins.
//
// Invariants:
//   D1. Gates are asked in the order of docs/rules.md, `in-flow` and `too-many-flows` right after `cooldown`; the first that says
//       no is the reason.
//   D2. Caps, consent and reach are asked by running the first steps for a try: what they did is taken back where the decision
//       does not fire.
//   D3. A match is judged against flows as they are at its own time, and against those that have begun after it: two flows that
//       must not live together never do, in whichever order they were decided on.

import { durationMs } from '../rule.ts';
import { canWait } from './program.ts';
import { compareRules, type FlowRule, groupOf, reviewOf } from './rule.ts';
import { holdsAt, isTrue, livesAt, type Moment, namesAt, valueAt } from './scope.ts';
import { fitsWindows } from './sends.ts';
import { end, type FirstSends, isStale, quietEnd, REVIEW_DEFAULTS, record, run } from './steps.ts';
import { FLOWS_MAX, type FlowDecision } from './story.ts';
import { type Candidate, type Entity, type Flow, type Pending, remember, type World } from './world.ts';

/** Decides on candidates that compete; of those that wait for flows to be known, says which. */
export function decideAll(world: World, moment: Moment, candidates: readonly Candidate[]): Candidate[] {
  const sorted = [...candidates].sort((a, b) => compareRules(a.version.rule, b.version.rule));
  return sorted.filter((candidate) => !decide(world, moment, candidate));
}

/** False: it has to wait until stream time has passed its time, since a flow that matters may end before. */
export function decide(world: World, moment: Moment, candidate: Candidate): boolean {
  const { entity, at } = moment;
  const mayWait = moment.lane === 'arrival' && at > world.streamTime;
  if (mayWait && asksOfLiving(entity, candidate, at)) return false;
  const early = firstRefusal(world, moment, candidate);
  if (early !== null) {
    suppress(world, moment, candidate, early);
    return true;
  }
  const ownFlows = flowsOfSame(entity, candidate).filter((flow) => livesAt(flow, at));
  if (mayWait && mattersAndLives(entity, candidate, at)) return false;
  const late = refusalByFlows(entity, candidate, at, ownFlows) ?? lastRefusal(world, moment, candidate);
  if (late !== null) suppress(world, moment, candidate, late);
  else begin(world, moment, candidate, ownFlows);
  return true;
}

export function suppress(world: World, moment: Moment, candidate: Candidate, reason: string): void {
  const id = decided(world, moment, candidate, 'suppressed', reason);
  const { version, match, by } = candidate;
  if (reason !== 'holdout' || version.rule.goal === undefined) return;
  const { at, entity } = moment;
  const about = { id, by, version, names: match.names, variant: null, goalReached: false };
  entity.heldOut.push({ ...about, matchedAt: match.at, startedAt: at });
}

function decided(
  world: World,
  { entity, at }: Moment,
  { version, match }: Candidate,
  outcome: FlowDecision['outcome'],
  reason: string | null,
): string {
  const { rule, label } = version;
  const { events, at: matchedAt } = match;
  const id = world.ids.decision({ rule: rule.id, entity: entity.id, at, matchedAt, events });
  entity.decisions.push({
    ...{ id, rule: rule.id, ruleVersion: label, entity: entity.id },
    ...{ at, outcome, reason, events },
  });
  return id;
}

/** Gates up to `cooldown`. */
function firstRefusal(world: World, moment: Moment, { version: { rule }, match }: Candidate): string | null {
  const { entity, at } = moment;
  if (rule.enabled === false) return 'disabled';
  if (!isTrue(rule.audience, namesAt(moment, {}))) return 'audience';
  if (rule.holdout !== undefined && world.story.heldOut?.(rule.id, entity.id) === true) return 'holdout';
  const names = namesAt(moment, match.names);
  if (!isTrue(rule.if, names)) return 'condition';
  if (rule.cooldown === undefined) return null;
  const forMs = durationMs(typeof rule.cooldown === 'string' ? rule.cooldown : rule.cooldown.for);
  const key = cooldownKey(rule, moment, match.names);
  const fired = entity.fired.filter((one) => one.rule === rule.id && one.key === key);
  return fired.some((one) => at < one.at + forMs) ? 'cooldown' : null;
}

function cooldownKey(rule: FlowRule, moment: Moment, names: Candidate['match']['names']): string | undefined {
  if (typeof rule.cooldown !== 'object' || rule.cooldown.key === undefined) return undefined;
  const value = valueAt(rule.cooldown.key, namesAt(moment, names));
  return value === null ? undefined : JSON.stringify(value);
}

/** Flows of the rule and of the same value of `by`, in whatever version. */
function flowsOfSame(entity: Entity, { version, by }: Candidate): Flow[] {
  return entity.flows.filter((flow) => flow.version.rule.id === version.rule.id && flow.by === by);
}

function flowsOfGroup(entity: Entity, { version }: Candidate): Flow[] {
  const group = groupOf(version.rule)?.group;
  return group === undefined ? [] : entity.flows.filter((flow) => groupOf(flow.version.rule)?.group === group);
}

/** Whether a condition asks inFlow() of a rule that has a living flow. */
function asksOfLiving(entity: Entity, { version }: Candidate, at: number): boolean {
  const asked = [...JSON.stringify(version.rule).matchAll(/inFlow\((?:\\"|')([^"'\\]+)(?:\\"|')\)/g)].map(
    ([, id]) => id,
  );
  return entity.flows.some((flow) => asked.includes(flow.version.rule.id) && livesAt(flow, at));
}

function mattersAndLives(entity: Entity, candidate: Candidate, at: number): boolean {
  const lives = (flow: Flow): boolean => livesAt(flow, at);
  const { reentry = 'none' } = candidate.version.rule;
  return (
    (reentry !== 'parallel' && flowsOfSame(entity, candidate).some(lives)) ||
    flowsOfGroup(entity, candidate).some(lives) ||
    (canWait(candidate.version.program) && entity.flows.filter(lives).length >= FLOWS_MAX)
  );
}

/** Gates `in-flow` to `exclusive`. `ownFlows`: those that live of the same rule and value. */
function refusalByFlows(entity: Entity, candidate: Candidate, at: number, ownFlows: readonly Flow[]): string | null {
  const { rule, program } = candidate.version;
  const { reentry = 'none' } = rule;
  const lasts = canWait(program);
  const isLater = ({ startedAt }: Flow): boolean => startedAt > at;
  if (reentry === 'none' && ownFlows.length > 0) return 'in-flow';
  // D3: a new flow would meet those that have begun after its match.
  if (reentry !== 'parallel' && lasts && flowsOfSame(entity, candidate).some(isLater)) return 'in-flow';
  const ending = reentry === 'restart' ? ownFlows : [];
  const living = entity.flows.filter((flow) => !ending.includes(flow) && livesAt(flow, at));
  if (lasts && living.length >= FLOWS_MAX) return 'too-many-flows';
  const ofGroup = flowsOfGroup(entity, candidate).filter((flow) => !ending.includes(flow));
  const holders = ofGroup.filter((flow) => holdsAt(flow, at) && !isPreempted(candidate, flow));
  if (holders.length > 0 || (lasts && ofGroup.some(isLater))) return 'exclusive';
  return null;
}

function isPreempted({ version: { rule } }: Candidate, holder: Flow): boolean {
  const isLower = (holder.version.rule.priority ?? 50) < (rule.priority ?? 50);
  return groupOf(rule)?.preempt === true && isLower && holder.ended === null;
}

/** Gates `limit` and `stale`; those of sends are asked by trying. */
function lastRefusal(world: World, { entity, at }: Moment, { version: { rule } }: Candidate): string | null {
  const times = [...entity.fired.filter((one) => one.rule === rule.id).map((one) => one.at), at];
  for (const { max, per } of rule.limit ?? []) if (!fitsWindows(times, at, max, durationMs(per))) return 'limit';
  return isStale(world, at, rule.validFor) ? 'stale' : null;
}

function begin(world: World, moment: Moment, candidate: Candidate, ownFlows: readonly Flow[]): void {
  const { entity, at } = moment;
  const { version, match, by, depth, edits } = candidate;
  const { rule } = version;
  const undo = remember(entity);
  const { tooDeep } = world;
  const ended = (rule.reentry === 'restart' ? ownFlows : []).map((flow) => ({ flow, reason: 'restarted' }));
  for (const flow of flowsOfGroup(entity, candidate)) {
    const isOwn = ended.some((one) => one.flow === flow);
    if (!isOwn && livesAt(flow, at) && isPreempted(candidate, flow)) ended.push({ flow, reason: 'pre-empted' });
  }
  const before = ended.map(({ flow }) => ({ flow, waiting: flow.waiting, ended: flow.ended }));
  for (const { flow, reason } of ended) end(moment, flow, reason);

  const id = world.ids.decision({ rule: rule.id, entity: entity.id, at, matchedAt: match.at, events: match.events });
  const flow: Flow = {
    ...{ id, entity: entity.id, by, matchedAt: match.at, startedAt: at, version, names: match.names, depth, edits },
    ...{ variant: null, waiting: null, ended: null, goalReached: false, isMoved: false },
  };
  entity.flows.push(flow);
  record(moment, flow, 'entered');
  const sends: FirstSends = [];
  run(world, moment, flow, version.program.length === 0 ? null : 0, sends);

  const notFired = whyNot(moment, candidate, sends);
  if (notFired === null) {
    decided(world, moment, candidate, 'fired', null);
    entity.fired.push({ rule: rule.id, at, key: cooldownKey(rule, moment, match.names) });
    return;
  }
  undo();
  world.tooDeep = tooDeep;
  entity.flows.splice(entity.flows.indexOf(flow), 1);
  for (const { flow, ...was } of before) Object.assign(flow, was);
  if (typeof notFired === 'string') suppress(world, moment, candidate, notFired);
  else {
    const outcome = notFired.why === 'review' ? 'review' : 'deferred';
    const decision = decided(world, moment, candidate, outcome, notFired.why);
    entity.pending.push({ ...notFired, candidate, decision, since: at });
  }
}

/** The reason of the suppression, or what it waits for; null: it fires. */
function whyNot(
  moment: Moment,
  { version: { rule }, match, isReviewed }: Candidate,
  sends: FirstSends,
): string | Pick<Pending, 'why' | 'until'> | null {
  if (sends.length > 0 && sends.every((reason) => reason !== null)) return sends[0]!;
  const quiet = sends.length > 0 ? quietEnd(moment, rule.quietHours) : null;
  if (quiet !== null) return { why: 'quiet-hours', until: quiet };
  const review = isReviewed ? null : reviewOf(rule);
  if (review === null || !isTrue(review.if, namesAt(moment, match.names))) return null;
  return { why: 'review', until: moment.at + durationMs(review.atMost ?? REVIEW_DEFAULTS.atMost) };
}

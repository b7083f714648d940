// A flow that goes on from a step, until it waits or ends.
//
// Invariants:
//   T1. All steps that run at one time run one after the other, before anything else happens to the entity.
//   T2. A step that fails is recorded as skipped and passed: a flow never stops for it.

import { durationMs, type OracleEvent } from '../rule.ts';
import { nextLocalTime, quietUntil, zoneOf } from './local-time.ts';
import { armOfWaitFor, type Step } from './program.ts';
import type { ReviewBody, SendBody, WaitBody } from './rule.ts';
import { dataAt, fails, isTrue, type Moment, namesAt, profileAt, valueAt } from './scope.ts';
import { allowed, send } from './sends.ts';
import { DEPTH_MAX, type FlowRecord, plainDraw } from './story.ts';
import { type Flow, profileOf, readable, type Waiting, type Watched, type World } from './world.ts';

/** What became of the sends that ran at the match: null, it goes out; else why it does not. */
export type FirstSends = (string | null)[];

type Details = Partial<Pick<FlowRecord, 'reason' | 'until' | 'action'>> & { readonly step?: Step };

export function record({ entity, at }: Moment, flow: Watched, kind: FlowRecord['kind'], details: Details = {}): void {
  const { rule, label } = flow.version;
  // A rule without a program is no flow; its goal is looked for all the same.
  if (rule.then === undefined && kind !== 'goal') return;
  const { step, reason = null, until = null, action = null } = details;
  entity.records.push({
    ...{ flow: flow.id, rule: rule.id, ruleVersion: label, entity: entity.id, at, kind },
    ...{ step: step?.number ?? null, name: step?.name ?? null, reason, variant: flow.variant, until, action },
  });
}

export function end(moment: Moment, flow: Flow, reason: string): void {
  flow.waiting = null;
  flow.ended = { at: moment.at, reason };
  record(moment, flow, 'ended', { reason });
}

/** Runs from step `number` on; null: the program is through. `first`: at the match, where its sends are noted. */
export function run(
  world: World,
  moment: Moment,
  flow: Flow,
  number: number | null,
  first: FirstSends | null = null,
): void {
  let next = number;
  while (next !== null) {
    const step: Step = flow.version.program[next]!;
    const went = runStep(world, moment, flow, step, first);
    if (went === 'waits' || flow.ended !== null) return;
    next = went.to;
  }
  end(moment, flow, 'completed');
}

type Went = 'waits' | { readonly to: number | null };

function runStep(world: World, moment: Moment, flow: Flow, step: Step, first: FirstSends | null): Went {
  const { body, arms, next } = step;
  const names = namesAt(moment, flow.names, flow);
  const on: Went = { to: next };
  switch (step.kind) {
    case 'send':
      return runSend(world, moment, flow, step, first);
    case 'wait': {
      const until = endOfWait(body.wait!, moment, flow);
      if (until === null) record(moment, flow, 'skipped', { step, reason: 'error' });
      return until === null || until <= moment.at ? on : wait(moment, flow, step, 'wait', until);
    }
    case 'waitFor':
      return wait(moment, flow, step, 'waitFor', moment.at + durationMs(body.waitFor!.atMost));
    case 'branch': {
      const taken = body.branch!.findIndex((arm) => 'else' in arm || isTrue(arm.if, names));
      return taken === -1 ? on : { to: arms[taken]! };
    }
    case 'choose':
      return { to: arms[choose(world, moment, flow, step)]! };
    case 'set':
    case 'emit':
      emit(world, moment, flow, step);
      return on;
    case 'review':
      return runReview(moment, flow, step);
    case 'exit':
      end(moment, flow, 'exit');
      return on;
  }
}

function wait(moment: Moment, flow: Flow, step: Step, kind: Waiting['kind'], until: number): Went {
  flow.waiting = { kind, step: step.number, since: moment.at, until };
  record(moment, flow, 'waiting', { step, until, ...(kind === 'quiet' && { reason: 'quiet-hours' }) });
  return 'waits';
}

function runSend(world: World, moment: Moment, flow: Flow, step: Step, first: FirstSends | null): Went {
  const body: SendBody = step.body.send!;
  const names = namesAt(moment, flow.names, flow);
  const { rule } = flow.version;
  const skip = (reason: string): Went => {
    record(moment, flow, 'skipped', { step, reason });
    if (body.onSkip === 'exit') end(moment, flow, 'exit');
    return { to: step.next };
  };
  if (!isTrue(body.if, names)) return skip('condition');
  if (first === null && isStale(world, moment.at, rule.validFor)) return skip('stale');
  const { channels, reason } = allowed(world, moment, rule.category ?? null, [body.channel, ...(body.fallback ?? [])]);
  first?.push(reason);
  if (reason !== null) return skip(reason);
  const quiet = first === null ? quietEnd(moment, flow.version.rule.quietHours) : null;
  if (quiet !== null) return wait(moment, flow, step, 'quiet', quiet);
  const data = { ...(dataAt(body.data ?? {}, names) as object), ...flow.edits };
  const message = { channels, template: body.template ?? null, step: step.number, attempt: 1, data };
  const action = send(world, moment, flow, message);
  record(moment, flow, 'sent', { step, action: action.id });
  return { to: step.next };
}

/** When quiet hours end; null: there are none now. */
export function quietEnd(
  moment: Moment,
  hours: { readonly from: string; readonly to: string; readonly timezone?: string } | undefined,
): number | null {
  if (hours === undefined) return null;
  return quietUntil(moment.at, hours.from, hours.to, zoneOf(hours.timezone, profileAt(moment)));
}

export function isStale({ wall }: World, at: number, validFor: string | undefined): boolean {
  return wall !== null && validFor !== undefined && validFor !== 'forever' && wall - at > durationMs(validFor);
}

/** Null: it cannot be told. */
function endOfWait(body: WaitBody, moment: Moment, flow: Flow): number | null {
  if (typeof body === 'string') return moment.at + durationMs(body);
  if ('for' in body) return moment.at + durationMs(body.for);
  if (/^\d\d:\d\d$/.test(body.until)) {
    return nextLocalTime(moment.at, body.until, body.days, zoneOf(body.timezone, profileAt(moment)));
  }
  const value = valueAt(body.until, namesAt(moment, flow.names, flow));
  const until = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(until) ? null : until;
}

/** Which variant's steps are taken: the one that was drawn once for the entity, while there is one of that name. */
function choose(world: World, moment: Moment, flow: Flow, step: Step): number {
  const { experiment, variants, by = 'weight' } = step.body.choose!;
  const { entity, at } = moment;
  const names = variants.map(({ name }) => name);
  let name = entity.assigned.get(experiment);
  if (name === undefined || !names.includes(name)) {
    const weighed = variants.map((variant) => ({ name: variant.name, weight: variant.weight ?? 1 }));
    name = (world.story.draw ?? plainDraw)({ experiment, entity: entity.id, variants: weighed, by, at });
    entity.assigned.set(experiment, name);
  }
  flow.variant = name;
  record(moment, flow, 'chose', { step });
  return names.indexOf(name);
}

/** `set` is an identify message, `emit` a track event: both stamped now, and read as soon as the flow has come to rest. */
function emit(world: World, moment: Moment, flow: Flow, step: Step): void {
  const { entity, at } = moment;
  if (flow.depth >= DEPTH_MAX) {
    world.tooDeep++;
    record(moment, flow, 'skipped', { step, reason: 'depth' });
    return;
  }
  const names = namesAt(moment, flow.names, flow);
  const { set, emit: body } = step.body;
  for (const to of receiversOf(world, moment, flow, step)) {
    const other = to === entity.id ? null : to;
    const messageId = world.ids.event({ flow: flow.id, step: step.number, at, isMoved: flow.isMoved, to: other });
    const common = { messageId, userId: to, time: at };
    world.depths.set(messageId, flow.depth + 1);
    if (set === undefined) {
      const properties = dataAt(body!.properties ?? {}, names) as OracleEvent['properties'];
      entity.emitted.push({ to, event: { ...common, event: body!.event, properties } });
      continue;
    }
    const told = Object.entries(set).filter(([, value]) => !fails(value, names));
    const traits = dataAt(Object.fromEntries(told), names) as OracleEvent['properties'];
    for (const [name, value] of Object.entries(traits)) {
      entity.toldRead.push({ name, value, at });
      entity.toldSeen.push({ name, value, at });
    }
    entity.emitted.push({ to, event: { ...common, event: 'identify', type: 'identify', properties: {}, traits } });
  }
}

function receiversOf(world: World, { entity }: Moment, flow: Flow, { body }: Step): string[] {
  const where = body.emit?.to?.where;
  if (where === undefined) return [entity.id];
  const everybody = [...world.entities.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  const names = (told: typeof entity): Readonly<Record<string, unknown>> => ({
    ...flow.names,
    profile: readable(profileOf(told.toldSeen)),
  });
  return everybody.filter((one) => isTrue(where, names(one))).map(({ id }) => id);
}

/** Of the field `review` as of the step (flows, review). */
export const REVIEW_DEFAULTS = { atMost: '7d', onTimeout: 'reject' } as const;

function runReview(moment: Moment, flow: Flow, step: Step): Went {
  const body: ReviewBody = step.body.review!;
  if (!isTrue(body.if, namesAt(moment, flow.names, flow))) return { to: step.next };
  return wait(moment, flow, step, 'review', moment.at + durationMs(body.atMost ?? REVIEW_DEFAULTS.atMost));
}

/** The flow's wait is over: its time has come. */
export function timeHasCome(world: World, moment: Moment, flow: Flow): void {
  const { kind, step: number } = flow.waiting!;
  const step = flow.version.program[number]!;
  flow.waiting = null;
  flow.depth = 0;
  if (kind === 'review') {
    record(moment, flow, 'reviewed', { step, reason: 'timeout' });
    if ((step.body.review!.onTimeout ?? REVIEW_DEFAULTS.onTimeout) === 'reject') end(moment, flow, 'rejected');
    else run(world, moment, flow, step.next);
    return;
  }
  const isStepItself = kind === 'quiet' || kind === 'moved';
  run(world, moment, flow, isStepItself ? number : kind === 'waitFor' ? armOfWaitFor(step, null) : step.next);
}

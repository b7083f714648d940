// What expressions of a rule and its steps may name, and the questions that are asked of flows as they are at a time.

import { EvaluationError, evaluate, holds, type Names } from '../expression.ts';
import { durationMs } from '../rule.ts';
import type { Data } from './rule.ts';
import { type Entity, type Flow, profileOf, readable } from './world.ts';

/** In which order what is at hand is looked at: it decides which messages about the profile are known. */
export type Lane = 'arrival' | 'event-time';

export interface Moment {
  readonly entity: Entity;
  readonly at: number;
  readonly lane: Lane;
}

export function profileAt({ entity, lane }: Moment): Readonly<Record<string, unknown>> {
  return profileOf(lane === 'arrival' ? entity.toldRead : entity.toldSeen);
}

/** `flow` is null at the match, before there is one. */
export function namesAt(
  moment: Moment,
  names: Names,
  flow: Pick<Flow, 'id' | 'startedAt' | 'version'> | null = null,
): Names {
  const { entity, at } = moment;
  return {
    ...names,
    profile: readable(profileAt(moment)),
    now: new Date(at).toISOString(),
    ...(flow !== null && {
      flow: { id: flow.id, rule: flow.version.rule.id, startedAt: new Date(flow.startedAt).toISOString() },
    }),
    inFlow: (rule: unknown) => entity.flows.some((one) => one.version.rule.id === rule && livesAt(one, at)),
    sent: (channel: unknown, within: unknown) =>
      entity.messages.filter(
        (one) =>
          (channel === 'any' || one.channel === channel) && one.at > at - durationMs(String(within)) && one.at <= at,
      ).length,
  };
}

export function isTrue(condition: string | undefined, names: Names): boolean {
  return condition === undefined || holds(condition, names);
}

/** Null where it fails. */
export function valueAt(expression: string, names: Names): unknown {
  try {
    return evaluate(expression, names);
  } catch (error) {
    if (error instanceof EvaluationError) return null;
    throw error;
  }
}

const DURATION = /^(\d+(\.\d+)?(ms|s|m|h|d|w))+$/;

/** `data`, `set` and properties: text is an expression or a duration, lists and mappings are walked. */
export function dataAt(data: Data, names: Names): unknown {
  if (typeof data === 'string') return DURATION.test(data) ? data : valueAt(data, names);
  if (Array.isArray(data)) return data.map((one: Data) => dataAt(one, names));
  if (typeof data !== 'object' || data === null) return data;
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [name, dataAt(value as Data, names)]));
}

/** Whether it is an expression that has no value. */
export function fails(data: Data, names: Names): boolean {
  if (typeof data !== 'string' || DURATION.test(data)) return false;
  try {
    evaluate(data, names);
    return false;
  } catch (error) {
    if (error instanceof EvaluationError) return true;
    throw error;
  }
}

/** Whether the flow has begun by `at`, and has not ended: one that ended at `at` itself lives no more. */
export function livesAt({ startedAt, ended }: Flow, at: number): boolean {
  return startedAt <= at && (ended === null || ended.at > at);
}

/** Whether it holds its group: one that went through within a moment holds it for that moment. */
export function holdsAt(flow: Flow, at: number): boolean {
  const { startedAt, ended } = flow;
  const wasThrough = ended?.reason === 'completed' || ended?.reason === 'exit';
  return livesAt(flow, at) || (startedAt === at && ended?.at === at && wasThrough);
}

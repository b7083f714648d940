// What the interpreter of flows is told, and what it answers.
//
// Owns: the types, and the defaults of what is not in rules.

import type { OracleEvent } from '../rule.ts';
import type { FlowRule } from './rule.ts';

export interface Cap {
  readonly max: number;
  /** A duration, or `day` or `week`. */
  readonly per: string;
  /** `any`, the default: all. */
  readonly channel?: string;
  readonly category?: string;
  readonly timezone?: string;
}

/** What is read, in the order in which it is read. Event times are ms since 1970. */
export type Input =
  | { readonly kind: 'event'; readonly event: OracleEvent }
  /** Rules from now on. Nothing is read with it: time does not move. */
  | { readonly kind: 'rules'; readonly rules: readonly FlowRule[] }
  /** What a person says; it counts from here on. Names as in consent records. */
  | {
      readonly kind: 'consent';
      readonly entity: string;
      readonly all?: boolean;
      readonly categories?: Readonly<Record<string, boolean>>;
      readonly channels?: Readonly<Record<string, boolean>>;
    }
  /** Of a review step: `of` is the flow; of a rule's review: the decision. */
  | {
      readonly kind: 'answer';
      readonly entity: string;
      readonly time: number;
      readonly of: string;
      readonly answer: 'approve' | 'edit' | 'reject';
      readonly data?: Readonly<Record<string, unknown>>;
    }
  /** The wall clock, ms, from here on. */
  | { readonly kind: 'wall'; readonly time: number };

export interface Draw {
  readonly experiment: string;
  readonly entity: string;
  readonly variants: readonly { readonly name: string; readonly weight: number }[];
  readonly by: 'weight' | 'bandit';
  readonly at: number;
}

export interface Ids {
  decision(of: { rule: string; entity: string; at: number; matchedAt: number; events: readonly string[] }): string;
  /** `isMoved`: the flow is no longer on the version that it began with, so that a number may come again. */
  action(of: { decision: string; step: number; attempt: number; at: number; isMoved: boolean }): string;
  /** messageId of what a step emits, or sets; `to`: a receiver other than the flow's entity. */
  event(of: { flow: string; step: number; at: number; isMoved: boolean; to: string | null }): string;
}

export interface Story {
  /** From the beginning. */
  readonly rules: readonly FlowRule[];
  readonly inputs: readonly Input[];
  /** Stream time at the end, ms. */
  readonly endOfTime: number;
  readonly outOfOrdernessMs: number;
  readonly caps?: readonly Cap[];
  /** Whether channels need an address in the profile. Default false: everybody is reached, as in a backtest. */
  readonly asksReach?: boolean;
  readonly heldOut?: (rule: string, entity: string) => boolean;
  /** The name of the variant drawn. */
  readonly draw?: (draw: Draw) => string;
  readonly ids?: Ids;
  readonly versionOf?: (rule: FlowRule, change: number) => string;
}

export interface FlowDecision {
  readonly id: string;
  readonly rule: string;
  readonly ruleVersion: string;
  readonly entity: string;
  readonly at: number;
  readonly outcome: 'fired' | 'suppressed' | 'deferred' | 'review';
  readonly reason: string | null;
  readonly events: readonly string[];
}

export interface FlowAction {
  readonly id: string;
  readonly decision: string;
  readonly rule: string;
  readonly ruleVersion: string;
  readonly entity: string;
  readonly at: number;
  readonly channel: string;
  readonly fallback: readonly string[];
  readonly template: string | null;
  readonly variant: string | null;
  readonly step: number;
  readonly attempt: number;
  readonly data: unknown;
}

export const RECORD_KINDS = ['entered', 'waiting', 'sent', 'skipped', 'chose', 'reviewed', 'goal', 'ended'] as const;

/** A line of flows.jsonl, in the order of its flow; times in ms. */
export interface FlowRecord {
  readonly flow: string;
  readonly rule: string;
  readonly ruleVersion: string;
  readonly entity: string;
  readonly at: number;
  readonly kind: (typeof RECORD_KINDS)[number];
  readonly step: number | null;
  readonly name: string | null;
  readonly reason: string | null;
  readonly variant: string | null;
  readonly until: number | null;
  readonly action: string | null;
}

export interface FlowAnswer {
  /** By (at, entity, rule), equal ones as they were made. */
  readonly decisions: readonly FlowDecision[];
  /** By (at, entity, rule, decision, step, attempt). */
  readonly actions: readonly FlowAction[];
  /** By (at, entity, rule, flow), then as they were made. */
  readonly records: readonly FlowRecord[];
  /** messageIds, in order of input, of what came too late for rules in order of event time, and for flows. */
  readonly late: readonly string[];
  /** Emitted events that went deeper than DEPTH_MAX. */
  readonly tooDeep: number;
}

/** "At most 8 deep": what such an event brings about emits nothing more. */
export const DEPTH_MAX = 8;
export const FLOWS_MAX = 64;

export const READABLE_IDS: Ids = {
  decision: ({ rule, at, matchedAt, events }) =>
    `${rule}/${events.join('+')}${at === matchedAt ? '' : `@${(at - matchedAt) / 1_000}`}`,
  action: ({ decision, step, attempt, at, isMoved }) =>
    `${decision}:${step}${attempt === 1 ? '' : `.${attempt}`}${isMoved ? timeText(at) : ''}`,
  event: ({ flow, step, at, isMoved, to }) =>
    `${flow}>${step}${isMoved ? timeText(at) : ''}${to === null ? '' : `>${to}`}`,
};

function timeText(at: number): string {
  return `@${new Date(at).toISOString().slice(11)}`;
}

/** A share of each by weight, from a plain sum over the text: anything fixed does where no engine is compared. */
export function plainDraw({ experiment, entity, variants }: Draw): string {
  const text = `${experiment}/${entity}`;
  const place = [...text].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)!) % 1_000, 7);
  const total = variants.reduce((sum, { weight }) => sum + weight, 0);
  let bound = 0;
  for (const { name, weight } of variants) {
    bound += (weight / total) * 1_000;
    if (place < bound) return name;
  }
  return variants.at(-1)!.name;
}

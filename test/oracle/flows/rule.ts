// Rules whose `then` is a program, as parsed YAML, with names and defaults.
//
// Owns: the types of a program and of what a flow obeys, and the refusal of what is not modelled. Does not own: patterns and
// event patterns (../rule.ts).

import { type EventPattern, hasDeadline, laneOf, type OracleRule, refuseUnmodelled } from '../rule.ts';

export type Data = string | number | boolean | null | readonly Data[] | { readonly [name: string]: Data };

export interface SendBody {
  readonly channel: string;
  readonly fallback?: readonly string[];
  readonly template?: string;
  readonly if?: string;
  readonly onSkip?: 'continue' | 'exit';
  readonly data?: Readonly<Record<string, Data>>;
}

export type WaitBody =
  | string
  | { readonly for: string }
  /** A local time such as "09:00", or an expression. */
  | { readonly until: string; readonly timezone?: string; readonly days?: readonly string[] };

export interface WaitForBody extends Partial<EventPattern> {
  readonly atMost: string;
  readonly then?: readonly StepBody[];
  readonly any?: readonly (EventPattern & { readonly do?: readonly StepBody[] })[];
  readonly onTimeout?: readonly StepBody[];
}

export interface ReviewBody {
  readonly if?: string;
  readonly atMost?: string;
  readonly onTimeout?: 'approve' | 'reject';
  readonly note?: string;
}

export interface ChooseBody {
  readonly experiment: string;
  readonly variants: readonly { readonly name: string; readonly weight?: number; readonly do?: readonly StepBody[] }[];
  readonly by?: 'weight' | 'bandit';
}

export interface EmitBody {
  readonly event: string;
  readonly properties?: Readonly<Record<string, Data>>;
  readonly to?: { readonly where: string };
}

export type BranchArm =
  | { readonly if: string; readonly do: readonly StepBody[] }
  | { readonly else: readonly StepBody[] };

/** One of the fields but `name` says what the step does. */
export interface StepBody {
  readonly name?: string;
  readonly send?: SendBody;
  readonly wait?: WaitBody;
  readonly waitFor?: WaitForBody;
  readonly branch?: readonly BranchArm[];
  readonly choose?: ChooseBody;
  readonly set?: Readonly<Record<string, Data>>;
  readonly emit?: EmitBody;
  readonly review?: ReviewBody;
  readonly exit?: true;
}

export const KINDS = ['send', 'wait', 'waitFor', 'branch', 'choose', 'set', 'emit', 'review', 'exit'] as const;
export type Kind = (typeof KINDS)[number];

export interface FlowRule extends OracleRule {
  readonly audience?: string;
  readonly exclusive?: string | { readonly group: string; readonly preempt?: boolean };
  readonly quietHours?: { readonly from: string; readonly to: string; readonly timezone?: string };
  readonly review?: string | ReviewBody;
  readonly validFor?: string;
  readonly goal?: EventPattern & { readonly within?: string };
  readonly stopOn?: readonly (string | EventPattern)[];
  readonly reentry?: 'none' | 'restart' | 'parallel';
  readonly inFlight?: 'move' | 'finish' | 'end';
  /** Only that `holdout` is asked: whom it holds out, the story says. */
  readonly holdout?: unknown;
  readonly then?: readonly StepBody[];
}

const MODELLED: Readonly<Record<string, readonly string[]>> = {
  rule: [
    ...[
      'id',
      'description',
      'owner',
      'when',
      'if',
      'enabled',
      'order',
      'cooldown',
      'limit',
      'priority',
      'urgency',
      'category',
    ],
    ...[
      'audience',
      'exclusive',
      'quietHours',
      'review',
      'validFor',
      'goal',
      'stopOn',
      'reentry',
      'inFlight',
      'holdout',
    ],
    ...['then', 'tests'],
  ],
  goal: ['event', 'where', 'within'],
  send: ['channel', 'fallback', 'template', 'if', 'onSkip', 'data'],
  wait: ['for', 'until', 'timezone', 'days'],
  waitFor: ['event', 'where', 'atMost', 'as', 'then', 'any', 'onTimeout'],
  choose: ['experiment', 'variants', 'by', 'reward'],
  emit: ['event', 'properties', 'to'],
  review: ['if', 'atMost', 'onTimeout', 'note'],
};

/** Throws when the rule says something that would change its decisions or flows and that is not modelled here. */
export function refuseUnmodelledFlow(rule: FlowRule): void {
  known(rule, 'rule', rule);
  refuseUnmodelled({ id: rule.id, when: rule.when });
  // Such deadlines depend on what else was read when they were due, which no history tells.
  if (laneOf(rule) === 'arrival' && hasDeadline(rule)) refuse(rule, 'deadlines in order of arrival');
  if (rule.goal !== undefined) known(rule, 'goal', rule.goal);
  for (const step of rule.then ?? []) refuseStep(rule, step);
}

function refuseStep(rule: FlowRule, step: StepBody): void {
  const kind = kindOf(step);
  const body = step[kind];
  if (MODELLED[kind] !== undefined && typeof body === 'object') known(rule, kind, body);
  if (step.send?.channel === 'auto') refuse(rule, 'channel auto');
  if (step.emit?.to !== undefined && step.emit.to.where === undefined) refuse(rule, 'emit to a segment');
  for (const arm of armsOf(step)) for (const inner of arm) refuseStep(rule, inner);
}

/** The lists of steps inside of a step, in the order of the file. */
export function armsOf({ branch, choose, waitFor }: StepBody): readonly (readonly StepBody[])[] {
  if (branch !== undefined) return branch.map((arm) => ('else' in arm ? arm.else : arm.do));
  if (choose !== undefined) return choose.variants.map((variant) => variant.do ?? []);
  if (waitFor === undefined) return [];
  return Object.entries(waitFor).flatMap(([field, value]) => {
    if (field === 'then' || field === 'onTimeout') return [value as readonly StepBody[]];
    return field === 'any' ? waitFor.any!.map((one) => one.do ?? []) : [];
  });
}

/** Throws on a step that says nothing, or two things. */
export function kindOf(step: StepBody): Kind {
  const kinds = KINDS.filter((kind) => step[kind] !== undefined);
  if (kinds.length !== 1) throw new Error(`a step says exactly one thing, not: ${kinds.join(', ') || 'nothing'}`);
  return kinds[0]!;
}

export function groupOf({ exclusive }: FlowRule): { readonly group: string; readonly preempt: boolean } | null {
  if (exclusive === undefined) return null;
  return typeof exclusive === 'string'
    ? { group: exclusive, preempt: false }
    : { group: exclusive.group, preempt: exclusive.preempt ?? false };
}

/** `review` as a mapping; null: the rule asks nobody. */
export function reviewOf({ review }: FlowRule): ReviewBody | null {
  if (review === undefined) return null;
  return typeof review === 'string' ? { if: review } : review;
}

const URGENCIES = ['critical', 'operational', 'marketing'];

/** The order of what competes: priority, urgency, rule id. */
export function compareRules(a: FlowRule, b: FlowRule): number {
  const urgency = (rule: FlowRule): number => URGENCIES.indexOf(rule.urgency ?? 'marketing');
  const byPriority = (b.priority ?? 50) - (a.priority ?? 50);
  return byPriority || urgency(a) - urgency(b) || compareText(a.id, b.id);
}

export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function known(rule: FlowRule, what: string, value: object): void {
  for (const name of Object.keys(value)) if (!MODELLED[what]!.includes(name)) refuse(rule, `${what}.${name}`);
}

function refuse(rule: FlowRule, what: string): never {
  throw new Error(`the oracle of flows does not model ${what} (rule ${rule.id})`);
}

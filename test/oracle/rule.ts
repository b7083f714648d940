// What the oracle is given: rules as parsed YAML and events, with the names and defaults of rules.md.
//
// Owns: the types, defaults, and the refusal of what the oracle does not model (so that it never agrees by ignorance).

import type {
  AggregateBody,
  AtBody,
  BaselineBody,
  ChangeBody,
  CountBody,
  SessionBody,
  ThresholdBody,
} from './rule-bodies.ts';

import { endsWithNot, type SequenceBody, seesAll, sequencePatterns } from './sequence-body.ts';

/** An event as read; `time` is event time in ms. Without `type` it is a track. */
export interface OracleEvent {
  readonly messageId: string;
  readonly userId: string;
  readonly event: string;
  readonly time: number;
  readonly properties: Readonly<Record<string, string | number | boolean | null>>;
  readonly type?: string;
  /** Of identify messages. */
  readonly traits?: Readonly<Record<string, string | number | boolean | null>>;
}

export interface EventPattern {
  readonly event: string | readonly string[];
  readonly where?: string;
  readonly as?: string;
}

export type When =
  | (EventPattern & { readonly by?: string })
  | {
      readonly absence: {
        readonly after: EventPattern;
        readonly of: string | EventPattern | readonly (string | EventPattern)[];
        readonly within: string;
        readonly restart?: 'latest' | 'each' | 'first';
        readonly by?: string;
      };
    }
  | {
      readonly inactive: {
        readonly for: string;
        readonly event?: string | readonly string[];
        readonly where?: string;
        readonly by?: string;
      };
    }
  | { readonly count: CountBody }
  | { readonly aggregate: AggregateBody }
  | { readonly threshold: ThresholdBody }
  | { readonly baseline: BaselineBody }
  | { readonly change: ChangeBody }
  | { readonly at: AtBody }
  | { readonly session: SessionBody }
  | { readonly sequence: SequenceBody }
  | { readonly all: readonly When[]; readonly within: string; readonly by?: string }
  | { readonly any: readonly When[]; readonly within?: string; readonly by?: string };

/** The part of the rule language that the oracle models; priority, urgency, category and `then` do not matter to it. */
export interface OracleRule {
  readonly id: string;
  readonly when: When;
  readonly if?: string;
  readonly enabled?: boolean;
  readonly order?: 'arrival' | 'event-time';
  readonly cooldown?: string | { readonly for: string; readonly key?: string };
  readonly limit?: readonly { readonly max: number; readonly per: string }[];
  readonly priority?: number;
  readonly urgency?: string;
  readonly category?: string;
  readonly then?: unknown;
}

const MODELLED: Readonly<Record<string, readonly string[]>> = {
  rule: [
    ...['id', 'description', 'owner', 'when', 'if', 'enabled', 'order', 'cooldown', 'limit'],
    ...['priority', 'urgency', 'category', 'then', 'tests'],
  ],
  event: ['event', 'where', 'as', 'by'],
  absence: ['after', 'of', 'within', 'restart', 'by'],
  inactive: ['for', 'event', 'where', 'by'],
  count: ['event', 'where', 'atLeast', 'atMost', 'distinct', 'within', 'by'],
  aggregate: ['event', 'where', 'sum', 'avg', 'min', 'max', 'last', 'within', 'above', 'below', 'by'],
  threshold: ['event', 'where', 'value', 'above', 'below', 'for', 'clear', 'by'],
  baseline: ['event', 'where', 'window', 'against', 'dropBy', 'riseBy', 'by'],
  change: ['of', 'from', 'to'],
  at: ['event', 'where', 'as', 'date', 'before', 'after', 'by'],
  session: ['gap', 'when', 'on', 'by'],
  sequence: ['steps', 'within', 'until', 'skip', 'by'],
  all: ['all', 'within', 'by'],
  any: ['any', 'within', 'by'],
};

/** Patterns whose fields are in a mapping under their name. */
const FIGURES = ['count', 'aggregate', 'threshold', 'baseline', 'change', 'at', 'session', 'sequence'] as const;

/** Throws when the rule has a field that would change its decisions and that the oracle does not model. */
export function refuseUnmodelled(rule: OracleRule): void {
  const known = (what: string, value: object): void => {
    for (const name of Object.keys(value)) {
      if (!MODELLED[what]!.includes(name))
        throw new Error(`the oracle does not model ${what}.${name} (rule ${rule.id})`);
    }
  };
  known('rule', rule);
  const { when } = rule;
  if ('event' in when) known('event', when);
  else if ('absence' in when) known('absence', when.absence);
  else if ('inactive' in when) known('inactive', when.inactive);
  else if ('all' in when || 'any' in when) {
    known('all' in when ? 'all' : 'any', when);
    for (const inner of innerOf(when)) refuseUnmodelled({ id: rule.id, when: inner });
  } else {
    const name = FIGURES.find((figure) => figure in when);
    if (name === undefined) throw new Error(`the oracle does not model the pattern of rule ${rule.id}`);
    known(name, (when as Readonly<Record<string, object>>)[name]!);
  }
}

/** The patterns in the list of `all` or `any`; none for other patterns. */
export function innerOf(when: When): readonly When[] {
  return 'all' in when ? when.all : 'any' in when ? when.any : [];
}

/** Whether identify messages matter to the pattern as tellers of the profile. */
export function readsProfile(when: When): boolean {
  if ('change' in when) return true;
  if ('at' in when) return when.at.date.startsWith('profile.');
  return innerOf(when).some(readsProfile);
}

/** Patterns that fire at a deadline, which the event-time lane is the default of. */
export function hasDeadline({ when }: Pick<OracleRule, 'when'>): boolean {
  if ('count' in when) return when.count.atMost !== undefined;
  if ('threshold' in when) return when.threshold.for !== undefined;
  if ('sequence' in when) return endsWithNot(when.sequence);
  return isInTimeOrder(when) || 'baseline' in when;
}

/** Whether the default is the event-time lane. */
function isInTimeOrder(when: When): boolean {
  if ('count' in when) return when.count.atMost !== undefined;
  return ['absence', 'inactive', 'at', 'session', 'sequence', 'all', 'any'].some((name) => name in when);
}

export function laneOf(rule: OracleRule): 'arrival' | 'event-time' {
  return rule.order ?? (isInTimeOrder(rule.when) ? 'event-time' : 'arrival');
}

/** The pattern's `by`, wherever the pattern is. */
export function byOf(rule: OracleRule): string | undefined {
  const { when } = rule;
  if ('absence' in when) return when.absence.by;
  if ('inactive' in when) return when.inactive.by;
  const name = FIGURES.find((figure) => figure in when);
  const body = name === undefined ? when : (when as Readonly<Record<string, object>>)[name]!;
  return (body as { readonly by?: string }).by;
}

/** Whether the rule's pattern names this event at all, whatever `where` and `by` say. */
export function concerns({ when }: Pick<OracleRule, 'when'>, event: OracleEvent): boolean {
  if ('absence' in when)
    return [when.absence.after, ...listOf(when.absence.of)].some((one) => named(asPattern(one).event, event));
  if ('inactive' in when) return named(when.inactive.event ?? '*', event);
  if ('session' in when) return true;
  if ('sequence' in when) {
    const { sequence } = when;
    return seesAll(sequence) || sequencePatterns(sequence).some((one) => named(one.event, event));
  }
  if ('change' in when) return event.type === 'identify';
  if ('at' in when) return named(when.at.event ?? 'identify', event);
  if ('all' in when || 'any' in when) return innerOf(when).some((inner) => concerns({ when: inner }, event));
  const name = FIGURES.find((figure) => figure in when);
  const body = name === undefined ? when : (when as Readonly<Record<string, unknown>>)[name];
  return named((body as EventPattern).event, event);
}

/** Whether a name, a list of names or "*" names this event; calls other than track are named by their type. */
export function named(names: string | readonly string[], event: OracleEvent): boolean {
  const name = event.type === undefined || event.type === 'track' ? event.event : event.type;
  return listOf(names).some((one) => one === '*' || one === name);
}

/** An event may be written as its name alone. */
export function asPattern(pattern: string | EventPattern): EventPattern {
  return typeof pattern === 'string' ? { event: pattern } : pattern;
}

export function listOf<Item>(value: Item | readonly Item[]): readonly Item[] {
  return Array.isArray(value) ? value : [value as Item];
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5 };

/** Milliseconds of `90s 5m 24h 7d 2w`; throws on anything else. */
export function durationMs(text: string): number {
  const match = /^(\d+)(ms|s|m|h|d|w)$/.exec(text);
  if (match === null) throw new Error(`the oracle cannot read the duration ${text}`);
  return Number(match[1]) * UNIT_MS[match[2]!]!;
}

// What the oracle is given: rules as parsed YAML and events, with the names and defaults of rules.md.
//
// Owns: the types, defaults, and the refusal of what the oracle does not model (so that it never agrees by ignorance).

/** An event as read; `time` is event time in ms. Without `type` it is a track. */
export interface OracleEvent {
  readonly messageId: string;
  readonly userId: string;
  readonly event: string;
  readonly time: number;
  readonly properties: Readonly<Record<string, string | number | boolean | null>>;
  readonly type?: string;
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
  | {
      readonly count: {
        readonly event: string | readonly string[];
        readonly where?: string;
        readonly atLeast: number;
        readonly within: string;
        readonly by?: string;
      };
    };

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
  count: ['event', 'where', 'atLeast', 'within', 'by'],
};

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
  else if ('count' in when) known('count', when.count);
  else throw new Error(`the oracle does not model the pattern of rule ${(rule as OracleRule).id}`);
}

/** Patterns that fire at a deadline, which the event-time lane is the default of. */
export function hasDeadline(rule: OracleRule): boolean {
  return 'absence' in rule.when || 'inactive' in rule.when;
}

export function laneOf(rule: OracleRule): 'arrival' | 'event-time' {
  return rule.order ?? (hasDeadline(rule) ? 'event-time' : 'arrival');
}

/** The pattern's `by`, wherever the pattern is. */
export function byOf(rule: OracleRule): string | undefined {
  const { when } = rule;
  if ('absence' in when) return when.absence.by;
  if ('inactive' in when) return when.inactive.by;
  return 'count' in when ? when.count.by : when.by;
}

/** Whether the rule's pattern names this event at all, whatever `where` and `by` say. */
export function concerns(rule: OracleRule, event: OracleEvent): boolean {
  const { when } = rule;
  if ('absence' in when)
    return [when.absence.after, ...listOf(when.absence.of)].some((one) => named(asPattern(one).event, event));
  if ('inactive' in when) return named(when.inactive.event ?? '*', event);
  return named('count' in when ? when.count.event : when.event, event);
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

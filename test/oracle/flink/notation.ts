// How the cases of Flink CEP's public tests are written: one line a pattern, one the events, one the matches.
//
//   steps    `c *a+:any b?`   each step is its event's name (several: `a|ab`, any: `_`), with
//              before it   `>` next: strict (Flink's next), `*` next: any (followedByAny), nothing: relaxed (followedBy);
//                          `!` and `!>` for a not step (notFollowedBy, notNext)
//              after it    `{2}` `{2,}` `{1,3}` `+` times, then `:any` (allowCombinations) or `:strict` (consecutive)
//                          between repetitions, `?` optional, `~` greedy
//   events   `c a1 b2@7 a3=5` name and number; seconds after `@`, else one after the event before; `price` after `=`
//   matches  `c a1 b2 | c b2` in any order; '' for none
//
// Flink's default is to skip nothing, and so it is here.

import { START } from '../notation.ts';
import type { OracleEvent, OracleRule } from '../oracle.ts';

export interface FlinkCase {
  /** Class and method in apache/flink, flink-libraries/flink-cep/src/test/java. */
  readonly source: string;
  readonly steps: string;
  readonly events: string;
  /** What Flink expects. */
  readonly flink: string;
  /** What the rule language says instead, where it differs; `refused`: the checker's message. */
  readonly ours?:
    | { readonly matches: string; readonly why: string }
    | { readonly refused: string; readonly why: string };
  /** Conditions by the step's place in `steps`, from 0. */
  readonly where?: Readonly<Record<number, string>>;
  /** Why the oracle is not asked: it has no sums. */
  readonly engineOnly?: true;
  readonly until?: string;
  /** Seconds. */
  readonly within?: number;
  readonly skip?: 'past-last' | 'to-next';
}

type Steps = Extract<OracleRule['when'], { sequence: unknown }>['sequence']['steps'];
type Step = Steps[number];

const STEP = /^(!?)([>*]?)([\w|]+?)(?:(\+)|\{(\d+)(,?)(\d*)\})?(?::(any|strict))?(\?)?(~)?$/;
const NEXT = { '>': 'strict', '*': 'any' } as const;

/** The case as a rule with the id `flink`; a single name is also the step's `as`. */
export function ruleOf(one: FlinkCase): OracleRule {
  const steps = one.steps.split(' ').map((text, place) => stepOf(text, place, one.where?.[place]));
  const until = one.until === undefined ? {} : { until: { event: '*', where: one.until } };
  const within = one.within === undefined ? {} : { within: `${one.within}s` };
  return { id: 'flink', when: { sequence: { steps, ...until, ...within, skip: one.skip ?? 'none' } } };
}

function stepOf(text: string, place: number, where: string | undefined): Step {
  const match = STEP.exec(text);
  if (match === null) throw new Error(`not a step: ${text}`);
  const [, not, relation, names = '', plus, min, comma, max, inner, optional, greedy] = match;
  const list = names.split('|');
  const event = names === '_' ? '*' : list.length === 1 ? names : list;
  const filter = { event, ...(where === undefined ? {} : { where }) };
  const next = relation === '>' || relation === '*' ? { next: NEXT[relation] } : {};
  if (not !== '') return { not: filter, ...next } as Step;
  const times = timesOf(plus, min, comma, max, inner);
  return {
    ...filter,
    as: `s${place}`,
    ...(times === null ? {} : { times }),
    ...(optional === undefined ? {} : { optional: true }),
    ...next,
    ...(greedy === undefined ? {} : { greedy: true }),
  } as Step;
}

function timesOf(plus?: string, min?: string, comma?: string, max?: string, inner?: string): object | null {
  const next = inner === undefined ? {} : { next: inner };
  if (plus !== undefined) return { min: 1, ...next };
  if (min === undefined) return null;
  if (comma === '') return { min: Number(min), max: Number(min), ...next };
  return { min: Number(min), ...(max === '' ? {} : { max: Number(max) }), ...next };
}

export function eventsOf(one: FlinkCase): OracleEvent[] {
  let seconds = 0;
  return one.events.split(' ').map((text) => {
    const match = /^(([a-z]+)\d*)(?:@(\d+))?(?:=(\S+))?$/.exec(text);
    if (match === null) throw new Error(`not an event: ${text}`);
    const [, messageId = '', event = '', at, price] = match;
    seconds = at === undefined ? seconds + 1 : Number(at);
    const properties = { price: Number(price ?? 0) };
    return { messageId, userId: 'u1', event, time: START + seconds * 1_000, properties };
  });
}

/** Matches as they are compared: each its events by a space, sorted. */
export function matchesIn(text: string): string[] {
  return text === ''
    ? []
    : text
        .split('|')
        .map((match) => match.trim())
        .sort();
}

// Patterns over the profile and over dates: `change` and `at`.
//
//   P1. The profile after some events: of each attribute the value of the identify message latest in time, of equal times
//       latest in order of evaluation.
//   P2. change: "after an identify message the attribute has another value than just before".
//   P3. at: "whatever tells the date again sets it anew"; a moment fires unless what tells another date, or none, comes
//       in time: an event stamped with the moment still does. "A moment that has passed when its date becomes known never
//       fires."

import { EvaluationError, evaluate } from './expression.ts';
import { captured, fits, matchAt, type OracleMatch, type Placed } from './match.ts';
import { durationMs, listOf } from './rule.ts';
import type { AtBody, ChangeBody } from './rule-bodies.ts';

type Value = unknown;

/** The attribute after the first `count` of these events. */
function attributeAfter(all: readonly Placed[], count: number, path: string): Value {
  const [, name] = path.split('.') as [string, string];
  const told = all
    .slice(0, count)
    .filter(({ event }) => event.type === 'identify' && Object.hasOwn(event.traits ?? {}, name));
  const last = [...told].sort((a, b) => a.event.time - b.event.time).at(-1);
  return last?.event.traits?.[name] ?? null;
}

export function changes(body: ChangeBody, group: readonly Placed[], all: readonly Placed[]): OracleMatch[] {
  return group.flatMap((one) => {
    if (one.event.type !== 'identify') return [];
    const before = attributeAfter(all, one.place, body.of);
    const after = attributeAfter(all, one.place + 1, body.of);
    const fitsOne = (wanted: unknown, value: Value): boolean =>
      wanted === undefined || listOf(wanted).some((each) => each === value);
    return before !== after && fitsOne(body.from, before) && fitsOne(body.to, after)
      ? [matchAt(one, one.event.time)]
      : [];
  });
}

/** Events in order of time; `all` are the entity's, `group` those of one value of `by`. */
export function moments(body: AtBody, group: readonly Placed[], all: readonly Placed[]): OracleMatch[] {
  const offset =
    body.before !== undefined ? -durationMs(body.before) : body.after !== undefined ? durationMs(body.after) : 0;
  const pattern = { event: body.event ?? 'identify', ...(body.where !== undefined && { where: body.where }) };
  const told = group.filter(({ event }) => fits(pattern, event)).map((one) => ({ one, date: dateAt(body, one, all) }));
  const runs = told.filter(({ date }, index) => index === 0 || told[index - 1]!.date !== date);
  return runs.flatMap(({ one, date }, index) => {
    if (date === null) return [];
    const moment = date + offset;
    const next = runs[index + 1]?.one.event.time ?? Infinity;
    return moment >= one.event.time && next > moment ? [{ ...matchAt(one, moment, body.as), due: true }] : [];
  });
}

function dateAt(body: AtBody, one: Placed, all: readonly Placed[]): number | null {
  const text = body.date.startsWith('profile.') ? attributeAfter(all, one.place + 1, body.date) : told(body, one);
  return typeof text === 'string' && !Number.isNaN(Date.parse(text)) ? Date.parse(text) : null;
}

function told(body: AtBody, { event }: Placed): Value {
  try {
    return evaluate(body.date, { event, ...captured(body.as, event) });
  } catch (error) {
    if (error instanceof EvaluationError) return null;
    throw error;
  }
}

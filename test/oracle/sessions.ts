// `session` as a plain statement: events no further than `gap` apart, and what the condition says of them.
//
//   S1. "An event at most `gap` after the newest one belongs to its session"; it ends at newest + gap.
//   S2. reached: asked with each of its events, "once a session"; end: asked at the end.
//   S3. events: the first of the session and the last one (at the match).

import { EvaluationError, evaluate, holds } from './expression.ts';
import { matchAt, type OracleMatch, type Placed, valueText } from './match.ts';
import { durationMs } from './rule.ts';
import type { SessionBody } from './rule-bodies.ts';

/** Events in order of time. */
export function sessions(body: SessionBody, group: readonly Placed[]): OracleMatch[] {
  const gap = durationMs(body.gap);
  const visits: Placed[][] = [];
  for (const one of group) {
    const last = visits.at(-1)?.at(-1);
    if (last !== undefined && one.event.time <= last.event.time + gap) visits.at(-1)!.push(one);
    else visits.push([one]);
  }
  return visits.flatMap((visit) => {
    const parts = visit.map((_, index) => visit.slice(0, index + 1));
    const asked = body.on === 'end' ? [visit] : parts;
    const found = asked.find((part) => holds(withFigures(body.when, part), { event: part.at(-1)!.event }));
    if (found === undefined) return [];
    const last = found.at(-1)!;
    const at = body.on === 'end' ? last.event.time + gap : last.event.time;
    const events = [...new Set([found[0]!, last].map(({ event }) => event.messageId))];
    return [{ ...matchAt(last, at), events }];
  });
}

/** The condition with numbers in the place of what it asks of the session; durations in ms. */
function withFigures(when: string, part: readonly Placed[]): string {
  const duration = part.at(-1)!.event.time - part[0]!.event.time;
  return when
    .replaceAll(/session\.count\("(\w+)"\)/g, (_, name) =>
      String(part.filter(({ event }) => event.event === name).length),
    )
    .replaceAll(/session\.distinct\(([^()]*)\)/g, (_, expression) => {
      const values = part.map(({ event }) => valueText(expression, { event }));
      return String(new Set(values.filter((value) => value !== undefined)).size);
    })
    .replaceAll(/session\.max\(([^()]*)\)/g, (_, expression) => {
      const values = part.flatMap(({ event }) => numbers(expression, event));
      return values.length === 0 ? 'event.properties.no.value' : String(Math.max(...values));
    })
    .replaceAll('session.events', String(part.length))
    .replaceAll('session.duration', String(duration))
    .replaceAll(/duration\("(\w+)"\)/g, (_, text) => String(durationMs(text)));
}

function numbers(expression: string, event: unknown): number[] {
  try {
    const value = evaluate(expression, { event });
    return typeof value === 'number' ? [value] : [];
  } catch (error) {
    if (error instanceof EvaluationError) return [];
    throw error;
  }
}

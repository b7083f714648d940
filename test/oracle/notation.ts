// How cases are written: one line an event, one line a decision, so that a whole case fits on a screen.
//
//   event      `0 u1 add m1 cart=c1 value=80`   seconds, user, name, messageId, properties (numbers, true, false, null, text)
//   `0 u1 identify m1 plan=pro` has traits. `ends=@90` is the time 90 s after START, as text.
//   decision   `60 u1 rule-id fired m1,m2`      seconds, user, rule, `fired` or the reason of the suppression, events
//
// Seconds count from START and may have fractions.

import type { OracleDecision, OracleEvent } from './oracle.ts';

/** 2026-01-01T00:00:00Z. */
export const START = Date.UTC(2026, 0, 1);

export interface Case {
  readonly name: string;
  /** YAML, one document a rule or more. */
  readonly rules: string;
  /** In order of input. */
  readonly events: readonly string[];
  /** Stream time at the end, seconds. */
  readonly end: number;
  readonly expect: readonly string[];
  /** messageIds of late events. */
  readonly late?: readonly string[];
  /** Seconds; default 5. */
  readonly outOfOrderness?: number;
  /** Seconds; default a day. */
  readonly dedupeWindow?: number;
  /** Default 1,000. */
  readonly dedupeMax?: number;
}

export function timeOf(seconds: number): number {
  return START + Math.round(seconds * 1_000);
}

export function parseEvent(line: string): OracleEvent {
  const [seconds, userId, name, messageId, ...properties] = line.split(' ');
  if (messageId === undefined) throw new Error(`not an event: ${line}`);
  const told = Object.fromEntries(properties.map(parseProperty));
  const common = { messageId, userId: userId!, event: name!, time: timeOf(Number(seconds)) };
  if (name === 'identify') return { ...common, type: 'identify', properties: {}, traits: told };
  return { ...common, properties: told };
}

function parseProperty(text: string): [string, string | number | boolean | null] {
  const [name, value] = text.split('=');
  if (name === undefined || value === undefined) throw new Error(`not a property: ${text}`);
  if (value === 'true' || value === 'false') return [name, value === 'true'];
  if (value === 'null') return [name, null];
  if (/^@-?\d+$/.test(value)) return [name, new Date(timeOf(Number(value.slice(1)))).toISOString()];
  return [name, /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value];
}

/** The decision as a line; `at` in ms. */
export function decisionLine(decision: Omit<OracleDecision, 'outcome' | 'reason'> & { reason: string | null }): string {
  const { at, entity, rule, reason, events } = decision;
  return `${(at - START) / 1_000} ${entity} ${rule} ${reason ?? 'fired'} ${events.join(',')}`;
}

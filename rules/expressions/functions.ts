// The functions and operators of our CEL environment, beside CEL's own.
//
// Owns: what each function does, and the functions of the library that we put our own in the place of. Does not own:
// which of them exist in this version's language tables (names.ts), parsing and checking (compiler.ts).
//
// Invariants:
//   F1. The same expression over the same values gives the same answer on every machine: the library's functions that
//       read the machine's own time zone are replaced.
//   F2. No function takes time beyond the size of its arguments, or else counts what it does (work.ts): searches in a text.

import { Environment, evaluate } from '@marcbachmann/cel-js';
import { dayOfYear, isoWeekday, localFields } from '../../lib/calendar.ts';
import { parseDuration } from '../../lib/duration.ts';
import { parseDate, parseInstant } from '../../lib/instant.ts';
import { Event } from '../../schemas/event.ts';
import { regularExpression } from './regular-expression.ts';
import type { Scope } from './scope.ts';
import { CALL_WORK, work } from './work.ts';

const TIMESTAMP = 'google.protobuf.Timestamp';
const DURATION = 'google.protobuf.Duration';
const DAY_MS = 86_400_000;
/** Of two characters: about a nanosecond each at worst, measured. */
const COMPARISONS_A_UNIT = 75;
/** What each place of a text takes, in comparisons, however short the part. */
const START_COMPARISONS = 30;

/** CEL's duration as the library has it; the class itself is not exported. */
export interface CelDuration {
  getMilliseconds(): bigint;
}
const Duration = (evaluate('duration("0s")') as object).constructor as unknown as {
  fromMilliseconds(ms: number): CelDuration;
};

export function isCelDuration(value: unknown): value is CelDuration {
  return value instanceof (Duration as unknown as new () => CelDuration);
}

/** CEL's duration of so many ms. */
export function celDuration(ms: number): CelDuration {
  return Duration.fromMilliseconds(ms);
}

/**
 * Library functions that we replace, as `name/arguments`; the replacement has an underscore at the end. Names that
 * people see never have it (compiler.ts).
 */
export const REPLACED_FUNCTIONS: ReadonlySet<string> = new Set(['timestamp/1', 'duration/1']);
export const REPLACED_METHODS: ReadonlySet<string> = new Set([
  'matches/1',
  'contains/1',
  'indexOf/1',
  'indexOf/2',
  'lastIndexOf/1',
  'lastIndexOf/2',
  'getDayOfYear/0',
  ...['getFullYear', 'getMonth', 'getDate', 'getDayOfMonth', 'getDayOfWeek', 'getDayOfYear'].map((name) => `${name}/1`),
  ...['getHours', 'getMinutes', 'getSeconds', 'getMilliseconds'].map((name) => `${name}/1`),
]);

const ZONED_METHODS: Readonly<Record<string, (local: Date) => number>> = {
  getFullYear: (local) => local.getUTCFullYear(),
  getMonth: (local) => local.getUTCMonth(),
  getDate: (local) => local.getUTCDate(),
  getDayOfMonth: (local) => local.getUTCDate() - 1,
  getDayOfWeek: (local) => local.getUTCDay(),
  getDayOfYear: dayOfYear,
  getHours: (local) => local.getUTCHours(),
  getMinutes: (local) => local.getUTCMinutes(),
  getSeconds: (local) => local.getUTCSeconds(),
  getMilliseconds: (local) => local.getUTCMilliseconds(),
};

/** The fields of an event, with their CEL types. */
/** What `flow` has. */
export const FLOW_FIELDS: readonly string[] = ['id', 'rule', 'startedAt'];
export const EVENT_FIELDS: Readonly<Record<string, string>> = {
  messageId: 'string',
  type: 'string',
  event: 'string',
  userId: 'dyn',
  anonymousId: 'dyn',
  timestamp: TIMESTAMP,
  properties: 'map<string, dyn>',
  traits: 'map<string, dyn>',
  context: 'map<string, dyn>',
};

/**
 * What functions over behaviour answer from: an argument of theirs that nobody writes, which analysis.ts puts first. One
 * handle an expression, since CEL knows its values by their class.
 */
export class ScopeHandle {
  scope!: Scope;
}

/** The variable that stands for it. */
export const SCOPE_VARIABLE = 'scope_';
const SCOPE_TYPE = 'Scope_';

/** Functions that take the scope. */
export const SCOPED_FUNCTIONS: ReadonlySet<string> = new Set([
  'sent',
  'count',
  'last',
  'opened',
  'clicked',
  'inSegment',
  'score',
  'consent',
  'inFlow',
  'daysSince',
]);

/** Milliseconds of a duration as rules write it, also negative. Throws for other text. */
function durationMs(text: string): number {
  const negative = text.startsWith('-');
  const ms = parseDuration(negative ? text.slice(1) : text);
  if (ms === null) throw new Error(`"${text}" is not a duration such as 90s, 5m, 24h, 7d or 2w`);
  return negative ? -ms : ms;
}

/** A moment from text: an instant, or a date alone, which is its midnight in UTC. Throws for other text. */
export function momentOf(text: string): Date {
  const date = parseDate(text);
  const time = Number.isNaN(date) ? parseInstant(text) : date;
  if (Number.isNaN(time)) throw new Error(`"${text}" is not a time such as 2026-01-01T10:00:00Z`);
  return new Date(time);
}

/**
 * The text, to be searched for the part: a search compares each character of one with each of the other at worst. No
 * text where that is too much.
 */
function searched(text: string, part: string): string {
  const comparisons = text.length * (part.length + START_COMPARISONS);
  const isWithin = work.spend(
    CALL_WORK + comparisons / COMPARISONS_A_UNIT,
    () => `too much text to look for ${part.length} characters in ${text.length}, in one evaluation`,
  );
  return isWithin ? text : '';
}

function daysSince({ scope }: ScopeHandle, moment: Date): bigint {
  const days = Math.floor((scope.now - moment.getTime()) / DAY_MS);
  scope.changesAt(moment.getTime() + (days + 1) * DAY_MS);
  return BigInt(days);
}

type Define = (signature: string, handler: (...values: never[]) => unknown) => void;

/** An environment with everything but variables. */
export function createEnvironment(limits: Record<string, number>): Environment {
  const environment = new Environment({ homogeneousAggregateLiterals: false, limits });
  environment.registerType('Event', { ctor: Event, fields: { ...EVENT_FIELDS } });
  environment.registerType(SCOPE_TYPE, { ctor: ScopeHandle, fields: {} });
  environment.registerVariable(SCOPE_VARIABLE, SCOPE_TYPE);
  const define: Define = (signature, handler) => {
    environment.registerFunction(signature, handler, { async: false });
  };
  defineQuestions(define);
  defineMoments(define);
  defineReplacements(define);
  defineArithmetic(environment);
  return environment;
}

/** Functions that ask the scope. */
function defineQuestions(define: Define): void {
  const ask = (signature: string, answer: (scope: Scope, ...values: never[]) => unknown): void => {
    const handler = ({ scope }: ScopeHandle, ...values: never[]): unknown => answer(scope, ...values);
    define(signature.replace('(', `(${SCOPE_TYPE}, `), handler as (...values: never[]) => unknown);
  };
  ask('sent(string, string): int', (scope, channel: string, within: string) =>
    BigInt(scope.sent(channel, durationMs(within))),
  );
  ask('count(string, string): int', (scope, name: string, within: string) =>
    BigInt(scope.count(name, durationMs(within))),
  );
  ask('last(string): dyn', (scope, name: string) => {
    const time = scope.last(name);
    return time === null ? null : new Date(time);
  });
  for (const outcome of ['opened', 'clicked'] as const) {
    ask(`${outcome}(string): int`, (scope, within: string) => BigInt(scope.outcomes(outcome, durationMs(within))));
  }
  ask('inSegment(string): bool', (scope, id: string) => scope.inSegment(id));
  ask('score(string): double', (scope, model: string) => scope.score(model));
  ask('consent(string): bool', (scope, category: string) => scope.consent(category));
  ask('inFlow(string): bool', (scope, rule: string) => scope.inFlow(rule));
}

function defineMoments(define: Define): void {
  const momentFunctions: Record<string, (local: Date) => number> = {
    hour: (local) => local.getUTCHours(),
    weekday: isoWeekday,
  };
  for (const [name, field] of Object.entries(momentFunctions)) {
    define(`${name}(${TIMESTAMP}): int`, (moment: Date) => BigInt(field(moment)));
    define(`${name}(string): int`, (text: string) => BigInt(field(momentOf(text))));
    define(`${name}(${TIMESTAMP}, string): int`, (moment: Date, zone: string) =>
      BigInt(field(localFields(moment, zone))),
    );
    define(`${name}(string, string): int`, (text: string, zone: string) =>
      BigInt(field(localFields(momentOf(text), zone))),
    );
  }
  define(`daysSince(${SCOPE_TYPE}, ${TIMESTAMP}): int`, daysSince);
  define(`daysSince(${SCOPE_TYPE}, string): int`, (scope: ScopeHandle, text: string) =>
    daysSince(scope, momentOf(text)),
  );
}

/** What the tree has in the place of the library's functions (analysis.ts). */
function defineReplacements(define: Define): void {
  // `has(profile.x)`: the unset attribute is there, as null (compiler.ts).
  define('has_(dyn): bool', (value: unknown) => value !== null);
  define(`timestamp_(string): ${TIMESTAMP}`, momentOf);
  define(`timestamp_(int): ${TIMESTAMP}`, (seconds: bigint) => new Date(Number(seconds) * 1000));
  define(`timestamp_(${TIMESTAMP}): ${TIMESTAMP}`, (moment: Date) => moment);
  define(`duration_(string): ${DURATION}`, (text: string) => Duration.fromMilliseconds(durationMs(text)));
  define(`duration_(${DURATION}): ${DURATION}`, (duration: CelDuration) => duration);
  define('string.matches_(string): bool', (text: string, pattern: string) => regularExpression(pattern).test(text));
  define('string.contains_(string): bool', (text: string, part: string) => searched(text, part).includes(part));
  for (const name of ['indexOf', 'lastIndexOf'] as const) {
    define(`string.${name}_(string): int`, (text: string, part: string) => BigInt(searched(text, part)[name](part)));
    define(`string.${name}_(string, int): int`, (text: string, part: string, from: bigint) => {
      if (part === '') return from;
      if (from < 0n || from >= text.length) throw new RangeError(`${name}(): ${from} is not a place in the text`);
      return BigInt(searched(text, part)[name](part, Number(from)));
    });
  }
  define(`${TIMESTAMP}.getDayOfYear_(): int`, (moment: Date) => BigInt(dayOfYear(moment)));
  for (const [name, field] of Object.entries(ZONED_METHODS)) {
    define(`${TIMESTAMP}.${name}_(string): int`, (moment: Date, zone: string) =>
      BigInt(field(localFields(moment, zone))),
    );
  }
}

/** JSON has one kind of number, CEL's double; people write whole numbers beside them, CEL's int. */
function defineArithmetic(environment: Environment): void {
  const arithmetic: Record<string, (a: number, b: number) => number> = {
    '+': (a, b) => a + b,
    '-': (a, b) => a - b,
    '*': (a, b) => a * b,
    '/': (a, b) => a / b,
    '%': (a, b) => a % b,
  };
  for (const [operator, apply] of Object.entries(arithmetic)) {
    const mixed = (a: number | bigint, b: number | bigint): number => apply(Number(a), Number(b));
    environment.registerOperator(`double ${operator} int: double`, mixed);
    environment.registerOperator(`int ${operator} double: double`, mixed);
  }
  environment.registerOperator('double % double: double', arithmetic['%']!);
  environment.registerOperator('double == int', (a: number, b: bigint) => a === Number(b));
}

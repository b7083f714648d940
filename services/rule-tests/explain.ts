// A test's result for people: expected and actual decisions aligned, and why they differ.
//
//   - was expected and did not happen, + happened instead or without being expected; other lines are as they should be.

import { formatDuration } from '../../lib/duration.ts';
import { CONDITION_REASONS } from '../../rules/gates/index.ts';
import type { Decision } from '../../schemas/decision.ts';
import type { JsonObject } from '../../schemas/json.ts';
import type { Row } from './compare.ts';
import type { MessageRow } from './compare-actions.ts';
import type { TestResult } from './run-tests.ts';

/** Of one test; more are a rule that fires at everything, and the first ones show it. */
const LINES_MAX = 60;
const VALUE_CHARACTERS_MAX = 100;

interface Line {
  readonly mark: ' ' | '-' | '+';
  readonly columns: readonly string[];
  readonly note: string;
}

/** The result in lines for people; empty when it passed. */
export function explainFailure(result: TestResult): readonly string[] {
  if (result.passed) return [];
  const lines = [...result.rows.flatMap(linesOf), ...result.messages.flatMap(linesOfMessage)];
  const shown = lines.slice(0, LINES_MAX);
  return [
    ...result.refused.map((message) => `a given event cannot be used: ${message}`),
    ...failedExpressions(result),
    ...aligned(shown),
    ...(lines.length > shown.length ? [`  and ${lines.length - shown.length} lines more`] : []),
    ...flowLines(result),
    ...(result.decisions.length === 0 && lines.length > 0 ? [nothingDecided(result)] : []),
  ];
}

/** Expressions that failed, in lines for people; also of a test that passed, as that may be why. */
export function failedExpressions({ failures }: TestResult): readonly string[] {
  return failures.map(
    ({ rule, expression, reason }) =>
      `${rule}: an expression failed, and counted as false or as no value: ${expression}  (${reason})`,
  );
}

function linesOf({ expected, decision, isRight }: Row): Line[] {
  if (isRight) {
    return [lineOf(' ', decision!, expected === null ? 'not asked for' : '')];
  }
  const lines: Line[] = [];
  if (expected !== null) {
    const { at, rule, entityId, outcome, reason, place } = expected;
    const note = `expected at ${place.file}:${place.line}`;
    lines.push(lineOf('-', { at, rule, entity: { id: entityId ?? 'anyone' }, outcome, reason }, note));
  }
  if (decision !== null) {
    const note = expected === null ? 'not expected' : [shiftOf(expected.at, decision.at), whyOf(decision)].join('');
    lines.push(lineOf('+', decision, note));
  }
  return lines;
}

function linesOfMessage({ expected, action, stepName, isRight }: MessageRow): Line[] {
  const lines: Line[] = [];
  if (expected !== null && !isRight) {
    const { at, rule, entityId, channel, template, step, name, data, place } = expected;
    const what = [channel ?? 'any channel', template, name ?? (step === null ? null : `step ${step}`), dataOf(data)];
    lines.push(messageLine('-', at, rule, entityId ?? 'anyone', what, `expected at ${place.file}:${place.line}`));
  }
  if (action !== null) {
    const { at, rule, entity, channel, template, step, data } = action;
    const what = [channel, template, stepName ?? `step ${step}`, isRight ? null : dataOf(data)];
    const note = isRight ? '' : expected === null ? 'not expected' : shiftOf(expected.at, at);
    lines.push(messageLine(isRight ? ' ' : '+', at, rule, entity.id, what, note));
  }
  return lines;
}

function messageLine(
  mark: Line['mark'],
  at: number,
  rule: string,
  entity: string,
  what: readonly (string | null)[],
  note: string,
): Line {
  const words = what.filter((word) => word !== null).join(' ');
  return { mark, columns: [new Date(at).toISOString(), rule, entity, `sends ${words}`], note };
}

function dataOf(data: JsonObject): string | null {
  const text = JSON.stringify(data);
  if (text === '{}') return null;
  return text.length > VALUE_CHARACTERS_MAX ? `${text.slice(0, VALUE_CHARACTERS_MAX)}…` : text;
}

function flowLines({ test, flow }: TestResult): readonly string[] {
  if (test.flow === null || test.flow === flow) return [];
  return [`- flow: ${test.flow}  expected at ${test.place.file}:${test.place.line}`, `+ flow: ${flow}`];
}

type Shown = Pick<Decision, 'at' | 'rule' | 'outcome' | 'reason'> & { readonly entity: { readonly id: string } };

function lineOf(mark: Line['mark'], { at, rule, entity, outcome, reason }: Shown, note: string): Line {
  const result = reason === null ? outcome : `${outcome} (${reason})`;
  return { mark, columns: [new Date(at).toISOString(), rule, entity.id, result], note };
}

function shiftOf(expected: number, actual: number): string {
  if (expected === actual) return '';
  return `${formatDuration(Math.abs(actual - expected))} ${actual > expected ? 'later' : 'earlier'} than expected`;
}

/** What the conditions saw, where one of them said no. */
function whyOf({ reason, values }: Decision): string {
  if (reason === null || !CONDITION_REASONS.has(reason)) return '';
  const seen = Object.entries(values).map(([name, value]) => {
    const text = JSON.stringify(value);
    return `${name} = ${text.length > VALUE_CHARACTERS_MAX ? `${text.slice(0, VALUE_CHARACTERS_MAX)}…` : text}`;
  });
  return seen.length === 0 ? '' : `with ${seen.join(', ')}`;
}

/** Columns as wide as their widest entry. */
function aligned(lines: readonly Line[]): string[] {
  const widths = [0, 1, 2, 3].map((column) => Math.max(0, ...lines.map(({ columns }) => columns[column]!.length)));
  return lines.map(({ mark, columns, note }) => {
    const padded = columns.map((text, column) => text.padEnd(widths[column]!));
    return `${mark} ${[...padded, note].join('  ')}`.trimEnd();
  });
}

function nothingDecided({ test }: TestResult): string {
  const last = test.given.reduce((newest, { at }) => Math.max(newest, at), 0) + test.advanceMs;
  return `  nothing was decided; the test's time ended at ${new Date(last).toISOString()} (see \`advance\`)`;
}

// The answer of an engine beside the interpreter's, as text that says where they come apart.

import { actionText, decisionText, recordText } from './lines.ts';
import type { FlowAnswer } from './story.ts';

type Compared = Pick<FlowAnswer, 'decisions' | 'actions' | 'records'>;

/** Lines shown before the first difference of a list: what led to it. */
const LINES_BEFORE = 5;
/** Lines shown from the first difference on: one difference brings about the next. */
const LINES_AFTER = 12;

/** Null: they agree. Both are in the order of the answer; `-` was expected and is missing, `+` is there instead. */
export function compareFlows(expected: Compared, actual: Compared): string | null {
  const parts = [
    difference('decisions', expected.decisions.map(decisionText), actual.decisions.map(decisionText)),
    difference('flows', expected.records.map(recordText), actual.records.map(recordText)),
    difference('actions', expected.actions.map(actionText), actual.actions.map(actionText)),
  ].filter((part) => part !== null);
  return parts.length === 0 ? null : parts.join('\n');
}

function difference(what: string, expected: readonly string[], actual: readonly string[]): string | null {
  const first = expected.findIndex((line, index) => line !== actual[index]);
  const at = first === -1 ? (actual.length > expected.length ? expected.length : -1) : first;
  if (at === -1) return null;
  const missing = withoutEach(expected.slice(at), actual.slice(at));
  const surplus = withoutEach(actual.slice(at), expected.slice(at));
  // The same lines in another order are all there: then both orders are shown.
  const [minus, plus] =
    missing.length + surplus.length > 0 ? [missing, surplus] : [expected.slice(at), actual.slice(at)];
  return [
    `${what}: ${expected.length} expected, ${actual.length} there; they come apart at ${at}`,
    ...expected.slice(Math.max(0, at - LINES_BEFORE), at).map((line) => `  ${line}`),
    ...shown('-', minus),
    ...shown('+', plus),
  ].join('\n');
}

function withoutEach(lines: readonly string[], others: readonly string[]): string[] {
  const left = [...others];
  return lines.filter((line) => {
    const place = left.indexOf(line);
    if (place !== -1) left.splice(place, 1);
    return place === -1;
  });
}

function shown(sign: string, lines: readonly string[]): string[] {
  const more = lines.length - LINES_AFTER;
  return [
    ...lines.slice(0, LINES_AFTER).map((line) => `${sign} ${line}`),
    ...(more > 0 ? [`${sign} ${more} more`] : []),
  ];
}

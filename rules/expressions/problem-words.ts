// The library's errors and types in our words, with a hint where one is known.

import type { ExpressionProblem } from './analysis.ts';
import { FUNCTIONS } from './names.ts';

/** A CEL type as people call it. */
export function typeWords(type: string): string {
  return wordsOf(type);
}

/** The library's error in our words. */
export function problemOf(error: unknown, source: string): ExpressionProblem {
  const known = error as { summary?: string; node?: { pos?: number }; range?: { start?: number }; message?: string };
  const offset = known.node?.pos ?? known.range?.start ?? 0;
  const message = wordsOf(known.summary ?? known.message ?? String(error));
  return { offset: Math.min(offset, source.length), message, hint: hintFor(message, source.slice(offset)) };
}

function wordsOf(message: string): string {
  return message
    .replaceAll('google.protobuf.Timestamp', 'timestamp')
    .replaceAll('google.protobuf.Duration', 'duration')
    .replace(/(\w)_\(/g, '$1(')
    .replace(/\(Scope_(, )?/g, '(')
    .replace(/^no such overload: (.+) (\S+) (.+)$/, '$1 and $3 cannot be put together by $2')
    .replace(/^no such overload: ([!-])(.+)$/, '$1 cannot be applied to $2')
    .replace(/^found no matching overload for '(\w+)\((.*)\)'$/, '$1() does not take ($2)')
    .replace(/^found no matching overload for '(.+)\.(\w+)\((.*)\)'$/, 'there is no $2($3) on $1')
    .replace('Exceeded maxAstNodes', 'the expression is too long: more parts than')
    .replace('Exceeded maxDepth', 'the expression is nested too deep: more than')
    .replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase());
}

function hintFor(message: string, rest: string): string | null {
  if (rest.startsWith('=')) return 'equality is ==';
  if (/^(and|or)\b/.test(rest)) return 'write && for and, || for or';
  if (/^not\b/.test(rest)) return 'write ! for not';
  if (message.includes('EOF')) return 'the expression ends too early';
  const [, called = ''] = /^(\w+)\(\) does not take/.exec(message) ?? [];
  if (Object.hasOwn(FUNCTIONS, called)) return `it takes ${FUNCTIONS[called]}`;
  return null;
}

// Regular expressions whose time is bounded, for `matches`.
//
// Owns: which patterns are let through. JavaScript's engine backtracks; a pattern with a repetition inside a repetition
// can take exponential time, and CEL's own engine (RE2) knows neither look-around nor back-references.
//
// Invariants:
//   X1. A pattern has at most REPETITIONS_MAX open repetitions and WAYS_MAX ways through its choices, none of them
//       inside a repetition, and is tried on text so short that it takes at most STEPS_MAX tries.

const PATTERN_LENGTH_MAX = 200;
/** Each is a power of the text's length. */
const REPETITIONS_MAX = 3;
/** Optional parts and choices multiply. */
const WAYS_MAX = 500;
/** Tries of the engine at worst; some nanoseconds each, so a tenth of a second. */
const STEPS_MAX = 20_000_000;
const TEXT_LENGTH_MAX = 10_000;
const PATTERNS_MAX = 1_000;

const compiled = new Map<string, BoundedExpression>();

export interface BoundedExpression {
  /** Throws when the text is too long for the pattern. */
  test(text: string): boolean;
}

/** Throws, saying why, when the pattern is not one we let through. */
export function regularExpression(pattern: string): BoundedExpression {
  let found = compiled.get(pattern);
  if (found === undefined) {
    const effort = effortOf(pattern);
    if (typeof effort === 'string') throw new Error(effort);
    const expression = new RegExp(pattern, 'u');
    const lengthMax = textLengthMax(effort);
    found = {
      test(text) {
        if (text.length <= lengthMax) return expression.test(text);
        throw new Error(`matches() with this pattern takes text of at most ${lengthMax} characters`);
      },
    };
    if (compiled.size >= PATTERNS_MAX) compiled.clear();
    compiled.set(pattern, found);
  }
  return found;
}

/** Why a pattern is refused; null: it is fine. */
export function refusalOf(pattern: string): string | null {
  const effort = effortOf(pattern);
  return typeof effort === 'string' ? effort : null;
}

interface Effort {
  readonly repetitions: number;
  readonly ways: number;
}

/** The length n at which ways * n^(r + 1) / (r + 1)!, the tries from every start with r repetitions, reach the bound. */
function textLengthMax({ repetitions, ways }: Effort): number {
  let orders = 1;
  for (let i = 2; i <= repetitions + 1; i++) orders *= i;
  return Math.min(TEXT_LENGTH_MAX, Math.floor(((STEPS_MAX * orders) / ways) ** (1 / (repetitions + 1))));
}

/** What the pattern can cost, or why it is refused. */
function effortOf(pattern: string): Effort | string {
  if (pattern.length > PATTERN_LENGTH_MAX) return `the pattern is longer than ${PATTERN_LENGTH_MAX} characters`;
  try {
    new RegExp(pattern, 'u');
  } catch (error) {
    return `the pattern is not a regular expression: ${(error as Error).message.replace(/^.*\/u?: /, '')}`;
  }
  if (/\\[1-9k]|\(\?(?!:)/.test(pattern.replace(/\\\\/g, ''))) return 'the pattern has a back-reference or look-around';
  let repetitions = 0;
  let ways = 1;
  // Per open group: its alternatives, and whether it can match in several ways.
  const groups = [{ alternatives: 1, varies: false }];
  for (let i = 0; i < pattern.length; i++) {
    const character = pattern[i];
    const group = groups.at(-1)!;
    if (character === '\\') i++;
    else if (character === '[') i = endOfClass(pattern, i);
    else if (character === '(') {
      groups.push({ alternatives: 1, varies: false });
      if (pattern[i + 1] === '?') i++;
    } else if (character === '|') {
      group.alternatives++;
      group.varies = true;
    } else if (character === ')') {
      groups.pop();
      ways *= group.alternatives;
      if (group.varies) groups.at(-1)!.varies = true;
      if (group.varies && /[*+{]/.test(pattern[i + 1] ?? '')) {
        return 'the pattern repeats a group that itself repeats or chooses';
      }
    } else if (character === '*' || character === '+' || /^\{\d+,/.test(pattern.slice(i, i + 8))) {
      group.varies = true;
      repetitions++;
    } else if (character === '?') {
      group.varies = true;
      ways *= 2;
    }
  }
  if (repetitions > REPETITIONS_MAX) return `the pattern has more than ${REPETITIONS_MAX} repetitions`;
  if (ways > WAYS_MAX) return 'the pattern has too many choices';
  return { repetitions, ways };
}

/** Position of the bracket that ends a character class. */
function endOfClass(pattern: string, start: number): number {
  let i = start + 1;
  while (i < pattern.length && pattern[i] !== ']') i += pattern[i] === '\\' ? 2 : 1;
  return i;
}

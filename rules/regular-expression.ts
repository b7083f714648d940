// Regular expressions whose time is bounded, for `matches`.
//
// Owns: which patterns are let through. JavaScript's engine backtracks; a pattern with a repetition inside a repetition
// can take exponential time, and CEL's own engine (RE2) knows neither look-around nor back-references.
//
// Invariants:
//   X1. A pattern has at most REPETITIONS_MAX open repetitions and WAYS_MAX ways through its choices, none of them
//       inside a repetition, and is tried on short text only.

const PATTERN_LENGTH_MAX = 200;
/** Time grows with the text's length to this power, at worst. */
const REPETITIONS_MAX = 3;
/** Optional parts and choices multiply. */
const WAYS_MAX = 500;
const TEXT_LENGTH_MAX = 500;
const PATTERNS_MAX = 1_000;

const compiled = new Map<string, BoundedExpression>();

export interface BoundedExpression {
  /** Throws when the text is too long. */
  test(text: string): boolean;
}

/** Throws, saying why, when the pattern is not one we let through. */
export function regularExpression(pattern: string): BoundedExpression {
  let found = compiled.get(pattern);
  if (found === undefined) {
    const refusal = refusalOf(pattern);
    if (refusal !== null) throw new Error(refusal);
    const expression = new RegExp(pattern, 'u');
    found = {
      test(text) {
        if (text.length <= TEXT_LENGTH_MAX) return expression.test(text);
        throw new Error(`matches() takes text of at most ${TEXT_LENGTH_MAX} characters`);
      },
    };
    if (compiled.size >= PATTERNS_MAX) compiled.clear();
    compiled.set(pattern, found);
  }
  return found;
}

/** Why a pattern is refused; null: it is fine. */
export function refusalOf(pattern: string): string | null {
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
  return null;
}

/** Position of the bracket that ends a character class. */
function endOfClass(pattern: string, start: number): number {
  let i = start + 1;
  while (i < pattern.length && pattern[i] !== ']') i += pattern[i] === '\\' ? 2 : 1;
  return i;
}

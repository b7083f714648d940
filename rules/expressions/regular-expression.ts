// Regular expressions for `matches`: RE2's, as CEL has them, which take no back-references and no look-around and never
// backtrack. The engine is the package re2js.
//
// Owns: which patterns are taken, keeping them compiled, counting what they do. Does not own: the engine.
//
// Invariants:
//   X1. A search takes time in proportion to the text, and its work is counted before it is done. Measured with re2js
//       2.10: a character costs some 75 ns where the engine has been in the state before (one unit of work), and
//       75 ns * (52 + the size of the program) where it has not; of states there are at most 2^(size - 2).
//   X2. At most PATTERNS_MAX patterns are kept: some 30 KB each, and up to 9 MB of states for one that has very many.

import { RE2JS, RE2JSException, RE2JSSyntaxException } from 're2js';
import { CALL_WORK, WORK_MAX, work } from './work.ts';

const PATTERN_LENGTH_MAX = 1_000;
/** Instructions; a date has about 20, a list of 50 words some 500. */
const PROGRAM_SIZE_MAX = 1_000;
/** Far more than the rules of one project have. */
const PATTERNS_MAX = 2_000;
/** Units of work that a new state takes beside the size of the program. */
const STATE_WORK = 52;

const compiled = new Map<string, Pattern>();

/** Throws, saying why, when the pattern is not one we take. */
export function regularExpression(pattern: string): Pattern {
  const known = compiled.get(pattern);
  if (known !== undefined) return known;
  const made = new Pattern(pattern);
  // The one that was made first is most likely of a rule that is gone.
  if (compiled.size >= PATTERNS_MAX) compiled.delete(compiled.keys().next().value!);
  compiled.set(pattern, made);
  return made;
}

/** Why a pattern is refused; null: it is fine. */
export function refusalOf(pattern: string): string | null {
  try {
    regularExpression(pattern);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

class Pattern {
  readonly #expression: RE2JS;
  readonly #stateWork: number;
  readonly #statesMax: number;
  /** Characters it was tried on in the evaluation that is going on, or was when it was last asked. */
  #characters = 0;
  #evaluation = -1;

  constructor(pattern: string) {
    this.#expression = parsed(pattern);
    const size = this.#expression.programSize();
    if (size > PROGRAM_SIZE_MAX) {
      throw new Error(`the pattern is too large: it has ${size} steps, at most ${PROGRAM_SIZE_MAX} are taken`);
    }
    this.#stateWork = STATE_WORK + size;
    this.#statesMax = 2 ** (size - 2);
  }

  /** Whether the pattern is found in the text. True, too, when that is too much work: it ends `exists` soonest. */
  test(text: string): boolean {
    const before = work.evaluation === this.#evaluation ? this.#characters : 0;
    const after = before + text.length;
    const states = Math.min(after, this.#statesMax) - Math.min(before, this.#statesMax);
    this.#evaluation = work.evaluation;
    this.#characters = after;
    const units = CALL_WORK + text.length + states * this.#stateWork;
    return !work.spend(units, () => this.#tooMuch()) || this.#expression.test(text);
  }

  #tooMuch(): string {
    const charactersMax = Math.max(
      Math.floor(WORK_MAX / this.#stateWork),
      WORK_MAX - this.#statesMax * this.#stateWork,
    );
    return `too much text for matches(): with this pattern at most some ${charactersMax} characters in one evaluation`;
  }
}

function parsed(pattern: string): RE2JS {
  if (pattern.length > PATTERN_LENGTH_MAX) {
    throw new Error(`the pattern is longer than ${PATTERN_LENGTH_MAX} characters`);
  }
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    const where = error instanceof RE2JSSyntaxException && error.input !== null ? ` in "${error.input}"` : '';
    const what = error instanceof RE2JSSyntaxException ? error.error : error.message;
    throw new Error(`the pattern is not a regular expression of RE2: ${what}${where}`);
  }
}

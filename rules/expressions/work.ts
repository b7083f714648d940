// The work that one evaluation of an expression may do where its values, and not its text, decide how much that is.
//
// Owns: the budget and counting it down. Does not own: what is counted (cost.ts, regular-expression.ts, functions.ts).
//
// Invariants:
//   W1. What is counted depends on the expression and its values alone, never on the clock or on what was evaluated
//       before: a replay fails where the run did (I1).
//   W2. An expression that another one asks for, of a segment or a model, counts as a part of it.
//   W3. An evaluation that has done too much fails, whatever it would have come to: CEL's macros go on after an error with
//       the elements that are left, so that an error alone would neither end it nor be seen.

/** Up to 80 ns each: 0.16 s at worst, so that with all else that it does an evaluation ends within a quarter of a second. */
export const WORK_MAX = 2_000_000;

/** Of a call, with the turn of the macro that it most likely stands in: a microsecond or two. */
export const CALL_WORK = 20;

class Work {
  /** Tells evaluations apart. */
  evaluation = 0;
  /** Why the evaluation fails; null: it has not done too much. */
  failure: RangeError | null = null;
  #left = 0;
  #depth = 0;

  /** Every begin() has its end(). */
  begin(): void {
    if (this.#depth++ > 0) return;
    this.evaluation++;
    this.failure = null;
    this.#left = WORK_MAX;
  }

  end(): void {
    this.#depth--;
  }

  /** False when there is not so much left, for the reason that `tooMuch` says; nothing more is then to be done. */
  spend(units: number, tooMuch: () => string): boolean {
    this.#left -= units;
    if (this.#left < 0) this.failure ??= new RangeError(tooMuch());
    return this.failure === null;
  }
}

/** Evaluation is synchronous, so there is one. */
export const work = new Work();

// Where a member stands, as the runtime sees it: the state machine that both protocols drive.
//
// Invariants:
//   S1. `failed` is for ever.
//   S2. Whoever set a state knows of it: only changes that come from the cluster are told.

import type { MemberAssignment, MemberIdentity, MemberState } from '../../../../topology/engine/ports.ts';

export class MemberStatus {
  readonly #onChange: () => void;
  #state: MemberState = 'summoned';
  #identity: MemberIdentity | null = null;
  #assignment: MemberAssignment | null = null;
  #error: Error | null = null;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  get state(): MemberState {
    return this.#state;
  }

  get identity(): MemberIdentity | null {
    return this.#identity;
  }

  get assignment(): MemberAssignment | null {
    return this.#assignment;
  }

  get error(): Error | null {
    return this.#error;
  }

  /** At the runtime's own wish, so it is not told. */
  join(): void {
    if (this.#state !== 'failed') this.#state = 'joining';
  }

  settle(identity: MemberIdentity, assignment: MemberAssignment): void {
    if (this.#state === 'failed') return;
    this.#identity = identity;
    this.#assignment = assignment;
    this.#change('settled');
  }

  /** The same member, of a later generation in which nothing else is new. */
  renew(identity: MemberIdentity): void {
    if (this.#assignment !== null) this.#identity = identity;
  }

  /** `identity`: of a generation whose assignment never came; what was assigned before still holds. */
  summon(identity: MemberIdentity | null = this.#identity): void {
    if (this.#state === 'failed' || this.#state === 'summoned') return;
    if (this.#assignment !== null) this.#identity = identity;
    this.#change('summoned');
  }

  fail(error: Error): void {
    if (this.#state === 'failed') return;
    this.#error = error;
    this.#change('failed');
  }

  #change(state: MemberState): void {
    this.#state = state;
    this.#onChange();
  }
}

// An engine thread's place in its group: whether it may commit now, and as whom.
//
// Owns: waiting for the group. Does not own: what the thread does when the group changes (task-manager.ts).

import { EngineError, RetryableError } from '../../../lib/errors.ts';
import type { GroupMember, MemberIdentity } from '../ports.ts';

export class CommitPermit {
  #member: GroupMember | null = null;
  #closed: Error | null = null;
  #changed = Promise.withResolvers<void>();

  /** To be told whenever the member's state changes. */
  readonly onChange = (): void => {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  };

  take(member: GroupMember): void {
    this.#member = member;
  }

  get identity(): MemberIdentity | null {
    return this.#member?.identity ?? null;
  }

  /** While the group deals out partitions anew, it is not settled as of which generation a commit would be. */
  get mayCommit(): boolean {
    const state = this.#member?.state;
    return state === 'settled' || state === 'summoned';
  }

  /** Throws the member's error when it is thrown out of the group meanwhile, and what close() was given. */
  async untilMayCommit(): Promise<void> {
    while (!this.mayCommit) {
      this.throwIfFailed();
      if (this.#closed !== null) throw this.#closed;
      await this.#changed.promise;
    }
  }

  /** Nobody is to wait any more. */
  close(reason: Error): void {
    this.#closed = reason;
    this.onChange();
  }

  throwIfFailed(): void {
    const error = this.#member?.error ?? null;
    if (error === null) return;
    throw error instanceof EngineError ? error : new RetryableError('TRG_LOG_REFUSED', error.message, {}, error);
  }
}

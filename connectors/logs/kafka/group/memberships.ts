// Commits as a member whose identity changes by itself.
//
// Owns: nothing but who is to be asked. By the newer protocol (consumer-member.ts) a heartbeat may give a member another
// epoch at any time; a commit with the one before is refused. So writer and member of one log take turns.

import type { MemberIdentity } from '../../../../topology/engine/ports.ts';

/** Does `work` with the member's identity as it is and stays until `work` is done. */
type InTurn = <Result>(work: (identity: MemberIdentity) => Promise<Result>) => Promise<Result>;

export class Memberships {
  readonly #inTurn = new Map<string, InTurn>();

  add(memberId: string, inTurn: InTurn): void {
    this.#inTurn.set(memberId, inTurn);
  }

  remove(memberId: string): void {
    this.#inTurn.delete(memberId);
  }

  /** Does `work` as `member`, which it is given as it is now. */
  as<Result>(member: MemberIdentity, work: (identity: MemberIdentity) => Promise<Result>): Promise<Result> {
    const inTurn = this.#inTurn.get(member.memberId);
    return inTurn === undefined ? work(member) : inTurn(work);
  }
}

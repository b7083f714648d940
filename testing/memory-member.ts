// A member's own side of a group in memory. `freeze()` is what a stopped process or a long pause is: it says nothing, and
// hears what it was told only after `thaw()`.
//
// Invariants:
//   M1. Of what it hears only what belongs to the current round counts; a join() ends the round before.
//   M3. A member that missed a generation is lost.

import { assert } from '../lib/assert.ts';
import type { Clock } from '../lib/clock.ts';
import { FatalError, FencedError } from '../lib/errors.ts';
import type {
  GroupMember,
  GroupOptions,
  JoinedMember,
  MemberAssignment,
  MemberIdentity,
  MemberState,
  TopicPartition,
} from '../topology/engine/ports.ts';
import type { MemoryGroup } from './memory-group.ts';

export class MemoryMember implements GroupMember {
  readonly #group: MemoryGroup;
  readonly #clock: Clock;
  readonly #options: GroupOptions;
  #state: MemberState = 'summoned';
  #identity: MemberIdentity | null = null;
  #assignment: MemberAssignment | null = null;
  #error: Error | null = null;
  #memberId = '';
  #generation = -1;
  #round = new AbortController();
  #isFrozen = false;
  #isClosed = false;
  /** What was said to it while it was frozen. */
  #unheard: (() => void)[] = [];

  constructor(group: MemoryGroup, clock: Clock, options: GroupOptions) {
    this.#group = group;
    this.#clock = clock;
    this.#options = options;
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

  freeze(): void {
    this.#isFrozen = true;
  }

  thaw(): void {
    this.#isFrozen = false;
    for (const heard of this.#unheard.splice(0)) queueMicrotask(heard);
  }

  join(owned: readonly TopicPartition[], note: Uint8Array): void {
    if (this.#isClosed || this.#state === 'failed') return;
    this.#round.abort();
    const round = new AbortController();
    this.#round = round;
    this.#state = 'joining';
    const hear =
      <Arguments extends unknown[]>(work: (...args: Arguments) => void) =>
      (...args: Arguments): void =>
        this.#later(round.signal, () => work(...args));
    const hearing = {
      joined: hear(({ generation, members }: Joined) => this.#joined(round.signal, generation, members)),
      assigned: hear((assignment: MemberAssignment) => this.#settle(assignment)),
      interrupted: hear(() => this.#summon()),
      lost: hear(() => this.#fail(lost())),
    };
    this.#memberId = this.#group.join(
      { memberId: this.#memberId, owned, note: Uint8Array.from(note), generation: this.#generation, hearing },
      this.#options,
    );
  }

  close({ leave }: { readonly leave: boolean }): Promise<void> {
    if (!this.#isClosed && leave) this.#group.leave(this.#memberId);
    this.#isClosed = true;
    this.#round.abort();
    return Promise.resolve();
  }

  #later(signal: AbortSignal, work: () => void): void {
    const heard = (): void => {
      if (signal.aborted) return;
      if (this.#isFrozen) this.#unheard.push(heard);
      else work();
    };
    queueMicrotask(heard);
  }

  #joined(signal: AbortSignal, generation: number, members: readonly JoinedMember[] | null): void {
    const last = this.#generation;
    if (last !== -1 && generation !== last && generation !== last + 1) {
      this.#fail(lost());
      return;
    }
    this.#generation = generation;
    void this.#beat(signal);
    if (members !== null) void this.#deal(signal, generation, members);
  }

  async #deal(signal: AbortSignal, generation: number, members: readonly JoinedMember[]): Promise<void> {
    try {
      const assignments = await this.#options.assign(members);
      assert(
        members.every(({ memberId }) => assignments.has(memberId)),
        'every member that joined is dealt something, or nothing',
      );
      this.#later(signal, () => this.#group.dealt(generation, assignments));
    } catch (error) {
      this.#later(signal, () => this.#fail(error as Error));
    }
  }

  #settle(assignment: MemberAssignment): void {
    this.#identity = this.#self;
    this.#assignment = assignment;
    this.#change('settled');
  }

  #summon(): void {
    if (this.#state === 'summoned') return;
    // A generation whose assignment never came: what was assigned before still holds.
    if (this.#assignment !== null) this.#identity = this.#self;
    this.#change('summoned');
  }

  get #self(): MemberIdentity {
    return { memberId: this.#memberId, generation: this.#generation, instanceId: this.#options.instanceId };
  }

  async #beat(signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#clock.sleep(this.#options.heartbeatMs, signal);
      if (signal.aborted) return;
      if (this.#isFrozen) continue;
      const answer = this.#group.heartbeat(this.#self);
      if (answer === 'fenced') this.#fail(fenced(this.#options.instanceId));
      else if (this.#state === 'joining' || answer === 'fine') continue;
      else if (answer === 'lost') this.#fail(lost());
      else this.#summon();
    }
  }

  #fail(error: Error): void {
    this.#round.abort();
    this.#error = error;
    this.#change('failed');
  }

  #change(state: MemberState): void {
    this.#state = state;
    this.#options.onChange();
  }
}

interface Joined {
  readonly generation: number;
  readonly members: readonly JoinedMember[] | null;
}

function lost(): FencedError {
  return new FencedError('TRG_MEMBER_LOST', 'the group went on without this worker');
}

function fenced(instanceId: string | null): FatalError {
  const text = `another worker runs under the instance id ${instanceId}`;
  return new FatalError('TRG_INSTANCE_FENCED', text, { instanceId });
}

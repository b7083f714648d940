// What the group suite drives members with: a small runtime that keeps up with its group, and an assignor for it.

import { FencedError } from '../../lib/errors.ts';
import {
  type GroupMember,
  type GroupOptions,
  type JoinedMember,
  type Log,
  type MemberAssignment,
  partitionKey,
  type TopicPartition,
} from '../../topology/engine/ports.ts';
import { bytes, text } from './log-kit.ts';

/** A process of its own: it can stop, with everything in it, and go on. */
export interface Worker {
  readonly log: Log;
  openMember(options: GroupOptions): GroupMember;
  freeze(): void;
  thaw(): void;
}

export const TIMES = { sessionTimeoutMs: 1_000, heartbeatMs: 250, rebalanceTimeoutMs: 2_000 } as const;

/** Does as the runtime does: joins when summoned, gives up what it is no longer dealt, then joins again to say so. */
export class Follower {
  readonly worker: Worker;
  readonly member: GroupMember;
  /** Every state that its member told of. */
  readonly states: string[] = [];
  readonly #name: string;
  #owned: readonly TopicPartition[] = [];

  constructor(
    worker: Worker,
    options: Partial<GroupOptions> & { group: string; topics: readonly string[]; name?: string },
  ) {
    this.worker = worker;
    this.#name = options.name ?? '';
    this.member = worker.openMember({
      instanceId: null,
      ...TIMES,
      assign: async (members) => dealEvenly(members, options.topics),
      ...options,
      onChange: () => {
        this.states.push(this.member.state);
        options.onChange?.();
        if (options.onChange === undefined) this.#keepUp();
      },
    });
    if (options.onChange === undefined) this.join();
  }

  /** Partition numbers it was dealt, while that holds. */
  get has(): readonly number[] | null {
    const { state, assignment } = this.member;
    if (assignment === null || state === 'failed') return null;
    return assignment.partitions.map(({ partition }) => partition).sort((a, b) => a - b);
  }

  get isSettled(): boolean {
    return this.member.state === 'settled';
  }

  get note(): string | null {
    return text(this.member.assignment?.note ?? null);
  }

  get isLost(): boolean {
    return this.member.error instanceof FencedError && this.member.error.code === 'TRG_MEMBER_LOST';
  }

  join(): void {
    this.member.join(this.#owned, bytes(this.#name));
  }

  #keepUp(): void {
    const { state, assignment } = this.member;
    if (state === 'summoned') this.join();
    if (state !== 'settled') return;
    const dealt = new Set(assignment!.partitions.map(partitionKey));
    const gaveUp = this.#owned.some((partition) => !dealt.has(partitionKey(partition)));
    this.#owned = assignment!.partitions;
    if (gaveUp) this.join();
  }
}

/** Partitions 0 to 3 of each topic in turn, to members by name; what another has not given up is dealt to nobody. */
export function dealEvenly(
  members: readonly JoinedMember[],
  topics: readonly string[],
): ReadonlyMap<string, MemberAssignment> {
  const sorted = [...members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
  const ownerOf = new Map(
    members.flatMap(({ memberId, owned }) => owned.map((each) => [partitionKey(each), memberId])),
  );
  const dealt = new Map(members.map(({ memberId }) => [memberId, [] as TopicPartition[]]));
  let turn = 0;
  for (const topic of topics) {
    for (let partition = 0; partition < 4; partition++) {
      const { memberId } = sorted[turn++ % sorted.length]!;
      const owner = ownerOf.get(partitionKey({ topic, partition })) ?? memberId;
      if (owner === memberId) dealt.get(memberId)!.push({ topic, partition });
    }
  }
  const names = members.map(({ note }) => text(note)).sort();
  return new Map([...dealt].map(([memberId, partitions]) => [memberId, { partitions, note: bytes(names.join(' ')) }]));
}

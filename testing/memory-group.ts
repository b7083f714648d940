// A group in memory, as a coordinator keeps it: who is in, which generation, who leads, who was silent for too long.
//
// Owns: nothing shared with connectors/logs/kafka/group, so that the contract suite compares two minds. Does not own: the
// member's own side (memory-member.ts).
//
// Invariants:
//   V1. A generation begins when every member has joined, or the time for it is over: then the dynamic members that
//       did not are thrown out. Static ones keep their place, for as long as their session lasts.
//   V2. Everything the group tells a member arrives later, in order: never from within the member's own call.

import type { Clock } from '../lib/clock.ts';
import { FencedError } from '../lib/errors.ts';
import type {
  DescribedMember,
  GroupOptions,
  JoinedMember,
  MemberAssignment,
  MemberIdentity,
  TopicPartition,
} from '../topology/engine/ports.ts';

/** What a member hears; called at once, so the member puts it off (V2). */
export interface Hearing {
  /** The join phase is over. The leader is given `members`, and answers with dealt() or takes itself out. */
  joined(answer: { generation: number; members: readonly JoinedMember[] | null }): void;
  assigned(assignment: MemberAssignment): void;
  /** The group joins anew before anything was assigned. */
  interrupted(): void;
  /** It is no member here. */
  lost(): void;
}

export type HeartbeatAnswer = 'fine' | 'rebalance' | 'lost' | 'fenced';

export interface JoinRequest {
  /** Empty: a new member. */
  readonly memberId: string;
  readonly owned: readonly TopicPartition[];
  readonly note: Uint8Array;
  /** Of which `owned` is what was left; -1: none. */
  readonly generation: number;
  readonly hearing: Hearing;
}

interface KnownMember {
  memberId: string;
  readonly options: GroupOptions;
  request: JoinRequest;
  /** For the generation to begin, for what its leader deals out, or for nothing. */
  awaits: 'generation' | 'assignment' | null;
  heardAt: number;
  assignment: MemberAssignment;
}

const NOTHING: MemberAssignment = { partitions: [], note: new Uint8Array() };

export class MemoryGroup {
  readonly #name: string;
  readonly #clock: Clock;
  readonly #ended = new AbortController();
  /** By member id, in the order of their first join. */
  readonly #members = new Map<string, KnownMember>();
  #phase: 'stable' | 'joining' | 'dealing' = 'stable';
  #generation = 0;
  #leader = '';
  #ids = 0;
  #joinPhase = new AbortController();

  constructor(name: string, clock: Clock) {
    this.#name = name;
    this.#clock = clock;
  }

  /** Returns the member's id. */
  join(request: JoinRequest, options: GroupOptions): string {
    const replaced = request.memberId === '' && options.instanceId !== null ? this.#instance(options.instanceId) : null;
    if (replaced !== null) return this.#replace(replaced, request, options);
    if (request.memberId !== '' && !this.#members.has(request.memberId)) {
      request.hearing.lost();
      return request.memberId;
    }
    const { memberId } = this.#enter(request.memberId === '' ? this.#newId() : request.memberId, request, options);
    if (this.#phase !== 'joining') this.#beginJoining();
    this.#endJoiningIfAllDid();
    return memberId;
  }

  heartbeat({ memberId, generation, instanceId }: MemberIdentity): HeartbeatAnswer {
    const member = this.#members.get(memberId);
    if (member === undefined) return instanceId !== null && this.#instance(instanceId) !== null ? 'fenced' : 'lost';
    if (generation !== this.#generation) return 'lost';
    member.heardAt = this.#clock.now();
    return this.#phase === 'joining' && member.awaits === null ? 'rebalance' : 'fine';
  }

  /** The leader's word; one from an earlier generation counts for nothing. */
  dealt(generation: number, assignments: ReadonlyMap<string, MemberAssignment>): void {
    if (this.#phase !== 'dealing' || generation !== this.#generation) return;
    this.#phase = 'stable';
    for (const member of this.#members.values()) {
      member.assignment = assignments.get(member.memberId) ?? NOTHING;
      if (member.awaits === 'assignment') member.request.hearing.assigned(member.assignment);
      member.awaits = null;
    }
  }

  leave(memberId: string): void {
    if (this.#members.has(memberId)) this.#remove(memberId);
  }

  /** Throws FencedError TRG_MEMBER_LOST when the group has gone on without this member. */
  validate({ memberId, generation }: MemberIdentity): void {
    if (this.#members.has(memberId) && generation === this.#generation) return;
    throw new FencedError('TRG_MEMBER_LOST', `the group ${this.#name} went on without ${memberId}`, { generation });
  }

  /** Null while it deals out. */
  described(): readonly DescribedMember[] | null {
    if (this.#phase !== 'stable') return null;
    return [...this.#members.values()].map(({ memberId, request, assignment }) => {
      return { memberId, note: request.note, partitions: assignment.partitions };
    });
  }

  close(): void {
    this.#ended.abort();
    this.#joinPhase.abort();
  }

  #newId(): string {
    return `${this.#name}-member-${++this.#ids}`;
  }

  #instance(instanceId: string): KnownMember | null {
    return [...this.#members.values()].find(({ options }) => options.instanceId === instanceId) ?? null;
  }

  #enter(memberId: string, request: JoinRequest, options: GroupOptions): KnownMember {
    const known = this.#members.get(memberId);
    if (known !== undefined) {
      known.request = request;
      known.awaits = 'generation';
      return known;
    }
    const heardAt = this.#clock.now();
    const member: KnownMember = { memberId, options, request, awaits: 'generation', heardAt, assignment: NOTHING };
    this.#members.set(memberId, member);
    void this.#watch(member);
    return member;
  }

  /** A static member that comes back: in quiet times it takes its place, its generation and its assignment. */
  #replace(old: KnownMember, request: JoinRequest, options: GroupOptions): string {
    this.#members.delete(old.memberId);
    const member = this.#enter(this.#newId(), request, options);
    if (this.#leader === old.memberId) this.#leader = member.memberId;
    if (this.#phase !== 'stable') {
      if (this.#phase !== 'joining') this.#beginJoining();
      this.#endJoiningIfAllDid();
      return member.memberId;
    }
    member.awaits = null;
    member.assignment = old.assignment;
    request.hearing.joined({ generation: this.#generation, members: null });
    request.hearing.assigned(member.assignment);
    return member.memberId;
  }

  #beginJoining(): void {
    if (this.#phase === 'dealing') this.#interrupt();
    this.#phase = 'joining';
    this.#joinPhase.abort();
    const phase = new AbortController();
    this.#joinPhase = phase;
    const longest = Math.max(...[...this.#members.values()].map(({ options }) => options.rebalanceTimeoutMs));
    void this.#clock.sleep(longest, phase.signal).then(() => {
      if (!phase.signal.aborted) this.#endJoining();
    });
  }

  /** Those whose generation never got its assignment are to join again. */
  #interrupt(): void {
    for (const member of this.#members.values()) {
      if (member.awaits !== 'assignment') continue;
      member.awaits = null;
      member.request.hearing.interrupted();
    }
  }

  #endJoiningIfAllDid(): void {
    if (this.#phase === 'joining' && [...this.#members.values()].every(hasJoined)) this.#endJoining();
  }

  #endJoining(): void {
    this.#joinPhase.abort();
    for (const member of [...this.#members.values()]) {
      if (!hasJoined(member) && member.options.instanceId === null) this.#members.delete(member.memberId);
    }
    const joined = [...this.#members.values()].filter(hasJoined);
    this.#generation++;
    if (joined.length === 0) {
      this.#phase = 'stable';
      return;
    }
    this.#phase = 'dealing';
    if (!joined.some(({ memberId }) => memberId === this.#leader)) this.#leader = joined[0]!.memberId;
    const members = [...this.#members.values()].map((member) => this.#asMember(member));
    for (const member of joined) {
      member.awaits = 'assignment';
      member.heardAt = this.#clock.now();
      const { memberId, request } = member;
      const isLeader = memberId === this.#leader;
      request.hearing.joined({ generation: this.#generation, members: isLeader ? members : null });
    }
  }

  /** What it claims counts only if it was in the last generation: before that it may have become another's. */
  #asMember({ memberId, options, request }: KnownMember): JoinedMember {
    const last = Math.max(...[...this.#members.values()].map((each) => each.request.generation));
    const owned = request.generation === last ? request.owned : [];
    return { memberId, instanceId: options.instanceId, owned, note: request.note };
  }

  #remove(memberId: string): void {
    const member = this.#members.get(memberId)!;
    this.#members.delete(memberId);
    if (member.awaits !== null) member.request.hearing.lost();
    if (this.#members.size === 0) {
      this.#joinPhase.abort();
      this.#phase = 'stable';
    } else if (this.#phase === 'joining') {
      this.#endJoiningIfAllDid();
    } else {
      this.#beginJoining();
    }
  }

  /** Throws a member out once it was silent for its session's time. Who waits for a join phase need not be heard. */
  async #watch(member: KnownMember): Promise<void> {
    const { signal } = this.#ended;
    const { sessionTimeoutMs } = member.options;
    while (!signal.aborted && this.#members.get(member.memberId) === member) {
      const silentMs = this.#clock.now() - member.heardAt;
      if (hasJoined(member)) member.heardAt = this.#clock.now();
      else if (silentMs >= sessionTimeoutMs) return this.#remove(member.memberId);
      await this.#clock.sleep(Math.max(1, member.heardAt + sessionTimeoutMs - this.#clock.now()), signal);
    }
  }
}

function hasJoined({ awaits }: KnownMember): boolean {
  return awaits === 'generation';
}

// A group in memory, as a coordinator keeps it: who is in, which generation, who leads, who was silent for too long.
//
// Owns: nothing shared with connectors/logs/kafka/group, so that the contract suite compares two minds. Does not own: the
// member's own side (memory-member.ts).
//
// Invariants:
//   V1. A generation begins when every seated member has joined, or the time for it is over: then the dynamic members that
//       did not are thrown out. Static ones keep their seat, for as long as their session lasts.
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
  /** The join phase is over. The leader is given `members`, and answers with dealt() or unseats itself. */
  joined(answer: { generation: number; members: readonly JoinedMember[] | null }): void;
  assigned(assignment: MemberAssignment): void;
  /** The group joins anew before anything was assigned. */
  interrupted(): void;
  /** It has no seat here. */
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

interface Seat {
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
  readonly #seats = new Map<string, Seat>();
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
    if (request.memberId !== '' && !this.#seats.has(request.memberId)) {
      request.hearing.lost();
      return request.memberId;
    }
    const { memberId } = this.#seat(request.memberId === '' ? this.#newId() : request.memberId, request, options);
    if (this.#phase !== 'joining') this.#beginJoining();
    this.#endJoiningIfAllDid();
    return memberId;
  }

  heartbeat({ memberId, generation, instanceId }: MemberIdentity): HeartbeatAnswer {
    const seat = this.#seats.get(memberId);
    if (seat === undefined) return instanceId !== null && this.#instance(instanceId) !== null ? 'fenced' : 'lost';
    if (generation !== this.#generation) return 'lost';
    seat.heardAt = this.#clock.now();
    return this.#phase === 'joining' && seat.awaits === null ? 'rebalance' : 'fine';
  }

  /** The leader's word; one from an earlier generation counts for nothing. */
  dealt(generation: number, assignments: ReadonlyMap<string, MemberAssignment>): void {
    if (this.#phase !== 'dealing' || generation !== this.#generation) return;
    this.#phase = 'stable';
    for (const seat of this.#seats.values()) {
      seat.assignment = assignments.get(seat.memberId) ?? NOTHING;
      if (seat.awaits === 'assignment') seat.request.hearing.assigned(seat.assignment);
      seat.awaits = null;
    }
  }

  leave(memberId: string): void {
    if (this.#seats.has(memberId)) this.#unseat(memberId);
  }

  /** Throws FencedError TRG_MEMBER_LOST when the group has gone on without this member. */
  validate({ memberId, generation }: MemberIdentity): void {
    if (this.#seats.has(memberId) && generation === this.#generation) return;
    throw new FencedError('TRG_MEMBER_LOST', `the group ${this.#name} went on without ${memberId}`, { generation });
  }

  /** Null while it deals out. */
  described(): readonly DescribedMember[] | null {
    if (this.#phase !== 'stable') return null;
    return [...this.#seats.values()].map(({ memberId, request, assignment }) => {
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

  #instance(instanceId: string): Seat | null {
    return [...this.#seats.values()].find(({ options }) => options.instanceId === instanceId) ?? null;
  }

  #seat(memberId: string, request: JoinRequest, options: GroupOptions): Seat {
    const known = this.#seats.get(memberId);
    if (known !== undefined) {
      known.request = request;
      known.awaits = 'generation';
      return known;
    }
    const heardAt = this.#clock.now();
    const seat: Seat = { memberId, options, request, awaits: 'generation', heardAt, assignment: NOTHING };
    this.#seats.set(memberId, seat);
    void this.#watch(seat);
    return seat;
  }

  /** A static member that comes back: in quiet times it takes its place, its generation and its assignment. */
  #replace(old: Seat, request: JoinRequest, options: GroupOptions): string {
    this.#seats.delete(old.memberId);
    const seat = this.#seat(this.#newId(), request, options);
    if (this.#leader === old.memberId) this.#leader = seat.memberId;
    if (this.#phase !== 'stable') {
      if (this.#phase !== 'joining') this.#beginJoining();
      this.#endJoiningIfAllDid();
      return seat.memberId;
    }
    seat.awaits = null;
    seat.assignment = old.assignment;
    request.hearing.joined({ generation: this.#generation, members: null });
    request.hearing.assigned(seat.assignment);
    return seat.memberId;
  }

  #beginJoining(): void {
    if (this.#phase === 'dealing') this.#interrupt();
    this.#phase = 'joining';
    this.#joinPhase.abort();
    const phase = new AbortController();
    this.#joinPhase = phase;
    const longest = Math.max(...[...this.#seats.values()].map(({ options }) => options.rebalanceTimeoutMs));
    void this.#clock.sleep(longest, phase.signal).then(() => {
      if (!phase.signal.aborted) this.#endJoining();
    });
  }

  /** Those whose generation never got its assignment are to join again. */
  #interrupt(): void {
    for (const seat of this.#seats.values()) {
      if (seat.awaits !== 'assignment') continue;
      seat.awaits = null;
      seat.request.hearing.interrupted();
    }
  }

  #endJoiningIfAllDid(): void {
    if (this.#phase === 'joining' && [...this.#seats.values()].every(hasJoined)) this.#endJoining();
  }

  #endJoining(): void {
    this.#joinPhase.abort();
    for (const seat of [...this.#seats.values()]) {
      if (!hasJoined(seat) && seat.options.instanceId === null) this.#seats.delete(seat.memberId);
    }
    const joined = [...this.#seats.values()].filter(hasJoined);
    this.#generation++;
    if (joined.length === 0) {
      this.#phase = 'stable';
      return;
    }
    this.#phase = 'dealing';
    if (!joined.some(({ memberId }) => memberId === this.#leader)) this.#leader = joined[0]!.memberId;
    const members = [...this.#seats.values()].map((seat) => this.#asMember(seat));
    for (const seat of joined) {
      seat.awaits = 'assignment';
      seat.heardAt = this.#clock.now();
      const { memberId, request } = seat;
      const isLeader = memberId === this.#leader;
      request.hearing.joined({ generation: this.#generation, members: isLeader ? members : null });
    }
  }

  /** What it claims counts only if it was in the last generation: before that it may have become another's. */
  #asMember({ memberId, options, request }: Seat): JoinedMember {
    const last = Math.max(...[...this.#seats.values()].map((each) => each.request.generation));
    const owned = request.generation === last ? request.owned : [];
    return { memberId, instanceId: options.instanceId, owned, note: request.note };
  }

  #unseat(memberId: string): void {
    const seat = this.#seats.get(memberId)!;
    this.#seats.delete(memberId);
    if (seat.awaits !== null) seat.request.hearing.lost();
    if (this.#seats.size === 0) {
      this.#joinPhase.abort();
      this.#phase = 'stable';
    } else if (this.#phase === 'joining') {
      this.#endJoiningIfAllDid();
    } else {
      this.#beginJoining();
    }
  }

  /** Throws a member out once it was silent for its session's time. Who waits for a join phase need not be heard. */
  async #watch(seat: Seat): Promise<void> {
    const { signal } = this.#ended;
    const { sessionTimeoutMs } = seat.options;
    while (!signal.aborted && this.#seats.get(seat.memberId) === seat) {
      const silentMs = this.#clock.now() - seat.heardAt;
      if (hasJoined(seat)) seat.heardAt = this.#clock.now();
      else if (silentMs >= sessionTimeoutMs) return this.#unseat(seat.memberId);
      await this.#clock.sleep(Math.max(1, seat.heardAt + sessionTimeoutMs - this.#clock.now()), signal);
    }
  }
}

function hasJoined({ awaits }: Seat): boolean {
  return awaits === 'generation';
}

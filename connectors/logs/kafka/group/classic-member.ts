// A member of a group by the classic protocol: JoinGroup, SyncGroup, heartbeats, LeaveGroup.
//
// Owns: rounds (from a join() to the next), heartbeats, dealing out when the group makes this member its leader.
// Does not own: how partitions are dealt out (options.assign), what giving one up means (the runtime).
//
// Invariants:
//   M1. Of every answer only that of the current round counts; a join() ends the round before.
//   M2. Heartbeats go over connections of their own: JoinGroup and SyncGroup are answered only once others have done their
//       part, and a broker answers the requests of one connection one after the other.
//   M3. A member that missed a generation is lost, also when the group would have it back: its partitions may have been
//       another's in between, and what it did with them must not be committed under its new generation.
//   M4. Partitions that a member claims count as owned only if it was in the last generation, for the same reason.

import { heartbeatV4, joinGroupV9, leaveGroupV5, syncGroupV5 } from '@platformatic/kafka';
import { assert } from '../../../../lib/assert.ts';
import { FencedError } from '../../../../lib/errors.ts';
import type {
  GroupMember,
  GroupOptions,
  JoinedMember,
  MemberAssignment,
  MemberIdentity,
  MemberState,
  TopicPartition,
} from '../../../../topology/engine/ports.ts';
import type { Channel, Cluster } from '../cluster.ts';
import { errorNames } from '../kafka-errors.ts';
import { decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription } from './consumer-protocol.ts';
import { GroupLink, membershipError } from './group-link.ts';
import { MemberStatus } from './member-status.ts';

/** What tools expect of a group that deals out partitions of topics. */
const PROTOCOL_TYPE = 'consumer';
/** Only members that deal out by the same rules may be in one group. */
const PROTOCOL = 'tripline';
const NO_GENERATION = -1;
/** A heartbeat without an answer, and the one after it, must not take the whole session. */
const HEARTBEATS_A_SESSION = 3;
/**
 * A request that waits for others is sent again after half a session at most: its answer may have been lost. The
 * coordinator takes it for the same one as long as it says the same, and tells once more what it told before.
 */
const ASKS_A_SESSION = 2;
const ASK_AGAIN_MS = 10_000;

type JoinAnswer = Awaited<ReturnType<typeof joinGroupV9.api.async>>;

/** From one join() to the next. */
interface Round {
  readonly over: AbortController;
  /** For the two requests that wait for others. */
  readonly waiting: Channel;
}

export class ClassicMember implements GroupMember {
  readonly #cluster: Cluster;
  readonly #options: GroupOptions;
  readonly #onClose: () => void;
  readonly #link: GroupLink;
  readonly #status: MemberStatus;
  readonly #beating: Channel;
  #memberId = '';
  #generation = NO_GENERATION;
  #round: Round | null = null;
  #closing: Promise<void> | null = null;

  constructor(cluster: Cluster, options: GroupOptions, onClose: () => void) {
    this.#cluster = cluster;
    this.#options = options;
    this.#onClose = onClose;
    this.#link = new GroupLink(cluster, options.group);
    this.#status = new MemberStatus(options.onChange);
    this.#beating = this.#link.openChannel(options.sessionTimeoutMs / HEARTBEATS_A_SESSION);
  }

  get state(): MemberState {
    return this.#status.state;
  }

  get identity(): MemberIdentity | null {
    return this.#status.identity;
  }

  get assignment(): MemberAssignment | null {
    return this.#status.assignment;
  }

  get error(): Error | null {
    return this.#status.error;
  }

  join(owned: readonly TopicPartition[], note: Uint8Array): void {
    if (this.#closing !== null || this.state === 'failed') return;
    this.#endRound();
    const askAgainMs = Math.min(ASK_AGAIN_MS, this.#options.sessionTimeoutMs / ASKS_A_SESSION);
    const round = { over: new AbortController(), waiting: this.#link.openChannel(askAgainMs) };
    this.#round = round;
    this.#status.join();
    void this.#go(round, owned, note);
  }

  close({ leave }: { readonly leave: boolean }): Promise<void> {
    this.#closing ??= this.#close(leave);
    return this.#closing;
  }

  async #close(leave: boolean): Promise<void> {
    this.#endRound();
    const { instanceId, group } = this.#options;
    // A member that failed by itself is still in the group; for one that lost it, this does nothing.
    const hasJoined = this.#memberId !== '' || (instanceId !== null && this.state !== 'failed');
    if (leave && hasJoined) {
      const member = { memberId: this.#memberId, groupInstanceId: instanceId, reason: 'the worker stops' };
      await this.#link.say(this.#beating, leaveGroupV5.api, group, [member]);
    }
    await this.#beating.close();
    this.#onClose();
  }

  #endRound(): void {
    const round = this.#round;
    this.#round = null;
    round?.over.abort();
    void round?.waiting.close();
  }

  async #go(round: Round, owned: readonly TopicPartition[], note: Uint8Array): Promise<void> {
    try {
      while (!round.over.signal.aborted && !(await this.#joinAndSync(round, owned, note)));
    } catch (error) {
      this.#fail(round, error, `to join the group ${this.#options.group}`);
    }
  }

  /** False when it is to be tried again from the start. */
  async #joinAndSync(round: Round, owned: readonly TopicPartition[], note: Uint8Array): Promise<boolean> {
    try {
      const answer = await this.#joinGroup(round, owned, note);
      if (round.over.signal.aborted) return true;
      this.#refuseMissedGeneration(answer.generationId);
      this.#generation = answer.generationId;
      void this.#beat(round, answer.generationId);
      await this.#sync(round, answer);
      return true;
    } catch (error) {
      // A coordinator that moved knows nothing of those who had only begun to join; nor have they anything to lose.
      const isForgotten = errorNames(error).some(
        (name) => name === 'UNKNOWN_MEMBER_ID' || name === 'ILLEGAL_GENERATION',
      );
      if (!isForgotten || this.assignment !== null || round.over.signal.aborted) throw error;
      this.#memberId = '';
      this.#generation = NO_GENERATION;
      return false;
    }
  }

  async #joinGroup(round: Round, owned: readonly TopicPartition[], note: Uint8Array): Promise<JoinAnswer> {
    const { group, instanceId, topics, sessionTimeoutMs, rebalanceTimeoutMs } = this.#options;
    const metadata = encodeSubscription({ topics, note, owned, generation: this.#generation });
    for (;;) {
      const protocols = [{ name: PROTOCOL, metadata }];
      const timeouts = [sessionTimeoutMs, rebalanceTimeoutMs] as const;
      const self = [this.#memberId, instanceId] as const;
      const wire = { channel: round.waiting, signal: round.over.signal };
      try {
        const answer = await this.#link.ask(
          wire,
          joinGroupV9.api,
          group,
          ...timeouts,
          ...self,
          PROTOCOL_TYPE,
          protocols,
          null,
        );
        if (!round.over.signal.aborted) this.#memberId = answer.memberId;
        return answer;
      } catch (error) {
        const names = errorNames(error);
        if (round.over.signal.aborted) throw error;
        if (names.includes('MEMBER_ID_REQUIRED')) {
          this.#memberId = (error as { response: JoinAnswer }).response.memberId;
        } else if (!names.includes('REBALANCE_IN_PROGRESS')) {
          throw error;
        }
      }
    }
  }

  async #sync(round: Round, answer: JoinAnswer): Promise<void> {
    const { group, instanceId } = this.#options;
    const identity: MemberIdentity = { memberId: answer.memberId, generation: answer.generationId, instanceId };
    const dealt = await this.#deal(answer);
    if (round.over.signal.aborted) return;
    try {
      const { assignment } = await this.#link.ask(
        { channel: round.waiting, signal: round.over.signal },
        syncGroupV5.api,
        group,
        answer.generationId,
        answer.memberId,
        instanceId,
        PROTOCOL_TYPE,
        PROTOCOL,
        dealt,
      );
      if (!round.over.signal.aborted) this.#status.settle(identity, decodeAssignment(assignment));
    } catch (error) {
      if (!errorNames(error).includes('REBALANCE_IN_PROGRESS')) throw error;
      if (!round.over.signal.aborted) this.#status.summon(identity);
    }
  }

  /** What the leader deals out; nothing where another leads, or where a leader that came back finds all as it was. */
  async #deal({ leader, memberId, skipAssignment, members }: JoinAnswer) {
    if (leader !== memberId || skipAssignment) return [];
    const joined = joinedMembers(members);
    const assignments = await this.#options.assign(joined);
    return joined.map((member) => {
      const assignment = assignments.get(member.memberId);
      assert(assignment !== undefined, 'every member that joined is dealt something, or nothing');
      return { memberId: member.memberId, assignment: encodeAssignment(assignment) };
    });
  }

  #refuseMissedGeneration(generation: number): void {
    const last = this.#generation;
    if (last === NO_GENERATION || generation === last || generation === last + 1) return;
    throw new FencedError('TRG_MEMBER_LOST', 'the group dealt out its partitions without this worker', { generation });
  }

  /** Heartbeats of one generation, until its round is over. While the group settles they only keep the member in it. */
  async #beat(round: Round, generation: number): Promise<void> {
    const { group, instanceId, heartbeatMs } = this.#options;
    const { signal } = round.over;
    for (;;) {
      await this.#cluster.options.clock.sleep(heartbeatMs, signal);
      if (signal.aborted) return;
      try {
        const self = [generation, this.#memberId, instanceId] as const;
        await this.#link.ask({ channel: this.#beating, signal }, heartbeatV4.api, group, ...self);
      } catch (error) {
        const names = errorNames(error);
        if (signal.aborted) return;
        if (this.state === 'joining' && !names.includes('FENCED_INSTANCE_ID')) continue;
        if (names.includes('REBALANCE_IN_PROGRESS')) this.#status.summon();
        else return this.#fail(round, error, `to stay in the group ${group}`);
      }
    }
  }

  #fail(round: Round, error: unknown, doing: string): void {
    if (round.over.signal.aborted) return;
    this.#endRound();
    this.#status.fail(membershipError(error, doing, this.#options.instanceId));
  }
}

/** As the leader is to see them; see M4. */
function joinedMembers(members: JoinAnswer['members']): readonly JoinedMember[] {
  const joined = members.map(({ memberId, groupInstanceId, metadata }) => {
    return { memberId, instanceId: groupInstanceId ?? null, ...decodeSubscription(metadata) };
  });
  const last = Math.max(...joined.map(({ generation }) => generation));
  return joined.map(({ memberId, instanceId, note, owned, generation }) => {
    return { memberId, instanceId, note, owned: generation === last ? owned : [] };
  });
}

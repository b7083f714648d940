// A member of a group by the newer protocol (KIP-848): the brokers deal out the partitions, by range, and one request,
// ConsumerGroupHeartbeat, joins, stays, gives up and leaves.
//
// Owns: what is reported as owned, the member's epoch. Does not own: giving partitions up (the runtime, which then calls
// join() to report it).
//
// What the runtime does without: a leader's assignor, notes, standbys, warming up. Time-outs and the interval of heartbeats
// are settings of the brokers (group.consumer.*); rebalanceTimeoutMs bounds how long giving up may take.
//
// Invariants:
//   N1. A partition is reported as owned from the answer that deals it out until a join() without it: nobody else has it
//       meanwhile, so commits for it are right in whatever epoch they are made.
//   N2. Heartbeats and commits take turns (memberships.ts): no answer changes the epoch under a commit.
//   N3. Every heartbeat says all there is to say, so that one whose answer was lost can be sent again. The coordinator takes
//       one step behind for that; a member that missed two is lost, and the runtime opens another.

import { consumerGroupHeartbeatV1 } from '@platformatic/kafka';
import { FencedError, RetryableError } from '../../../../lib/errors.ts';
import { newId } from '../../../../lib/rng.ts';
import {
  type GroupMember,
  type GroupOptions,
  type MemberAssignment,
  type MemberIdentity,
  type MemberState,
  partitionKey,
  type TopicPartition,
} from '../../../../topology/engine/ports.ts';
import type { Channel, Cluster } from '../cluster.ts';
import { errorNames } from '../kafka-errors.ts';
import { PATIENCE_MS } from '../options.ts';
import { GroupLink, membershipError } from './group-link.ts';
import { MemberStatus } from './member-status.ts';
import type { Memberships } from './memberships.ts';

/** Deals out topics of one partition count alike: the inputs of a task come together. */
const ASSIGNOR = 'range';
const NO_RACK = null;
const NO_PATTERN = null;
const JOINING_EPOCH = 0;
const LEAVING_EPOCH = -1;
/** A static member that will be back. */
const PAUSING_EPOCH = -2;
/** Heartbeats are answered at once; one whose answer was lost holds up commits. */
const REQUEST_TIMEOUT_MS = 5_000;
/** Until the first answer says otherwise. */
const HEARTBEAT_MS = 1_000;
/**
 * The place of a static member that was killed is free only once its session has ended, which takes a minute at most unless
 * the brokers were told otherwise. Who has it longer is alive.
 */
const UNRELEASED_MS = 75_000;
/** Between two asks whether the place is free: what a restart then waits too long at most. */
const UNRELEASED_POLL_MS = 200;

type Answer = Awaited<ReturnType<typeof consumerGroupHeartbeatV1.api.async>>;
type TopicIds = { topicId: string; partitions: number[] }[];

export class ConsumerMember implements GroupMember {
  readonly #cluster: Cluster;
  readonly #options: GroupOptions;
  readonly #memberships: Memberships;
  readonly #onClose: () => void;
  readonly #link: GroupLink;
  readonly #status: MemberStatus;
  readonly #channel: Channel;
  readonly #over = new AbortController();
  readonly #memberId = newId();
  #epoch = JOINING_EPOCH;
  #heartbeatMs = HEARTBEAT_MS;
  #owned: readonly TopicPartition[] = [];
  /** What the brokers deal out to this member as of their last answer. */
  #dealt: readonly TopicPartition[] = [];
  #joins = 0;
  #woken = new AbortController();
  /** The last heartbeat or commit; never rejects. */
  #turn: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | null = null;

  constructor(cluster: Cluster, options: GroupOptions, memberships: Memberships, onClose: () => void) {
    this.#cluster = cluster;
    this.#options = options;
    this.#memberships = memberships;
    this.#onClose = onClose;
    this.#link = new GroupLink(cluster, options.group);
    this.#status = new MemberStatus(options.onChange);
    this.#channel = this.#link.openChannel(REQUEST_TIMEOUT_MS);
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

  join(owned: readonly TopicPartition[]): void {
    if (this.#closing !== null || this.state === 'failed') return;
    this.#owned = owned;
    this.#status.join();
    this.#woken.abort();
    if (this.#joins++ > 0) return;
    this.#memberships.add(this.#memberId, (work) => this.#commit(work));
    void this.#stay();
  }

  close({ leave }: { readonly leave: boolean }): Promise<void> {
    this.#closing ??= this.#close(leave);
    return this.#closing;
  }

  async #close(leave: boolean): Promise<void> {
    this.#end();
    const { instanceId } = this.#options;
    // Also after failing: a static member's place would be taken until its session ends.
    if (this.#joins > 0 && (leave || instanceId !== null)) {
      const request = this.#request(leave ? LEAVING_EPOCH : PAUSING_EPOCH, []);
      await this.#link.say(this.#channel, consumerGroupHeartbeatV1.api, ...request);
    }
    await this.#channel.close();
    this.#onClose();
  }

  #end(): void {
    this.#over.abort();
    this.#woken.abort();
    this.#memberships.remove(this.#memberId);
  }

  async #stay(): Promise<void> {
    const { signal } = this.#over;
    try {
      while (!signal.aborted) {
        this.#woken = new AbortController();
        const joins = this.#joins;
        await this.#inTurn(() => this.#hear(joins));
        if (joins === this.#joins) await this.#cluster.options.clock.sleep(this.#heartbeatMs, this.#woken.signal);
      }
    } catch (error) {
      if (signal.aborted) return;
      this.#end();
      const doing = `to stay in the group ${this.#options.group}`;
      this.#status.fail(membershipError(error, doing, this.#options.instanceId));
    }
  }

  /** One heartbeat. What it said may have to be understood with the next one, when the cluster does not answer. */
  async #hear(joins: number): Promise<void> {
    try {
      await this.#adopt(await this.#heartbeat(), joins);
    } catch (error) {
      if (!(error instanceof RetryableError)) throw error;
    }
  }

  async #heartbeat(): Promise<Answer> {
    const { clock } = this.#cluster.options;
    const wire = { channel: this.#channel, signal: this.#over.signal };
    const start = clock.now();
    for (;;) {
      try {
        const owned = this.#epoch === JOINING_EPOCH ? [] : await this.#withIds(this.#owned);
        return await this.#link.ask(wire, consumerGroupHeartbeatV1.api, ...this.#request(this.#epoch, owned));
      } catch (error) {
        const names = errorNames(error);
        if (names.includes('FENCED_MEMBER_EPOCH') && this.#epoch === JOINING_EPOCH) {
          // It had joined already, but answer after answer was lost: nothing is dealt to it yet, so it starts over.
          await this.#link.ask(wire, consumerGroupHeartbeatV1.api, ...this.#request(LEAVING_EPOCH, []));
          continue;
        }
        const isTaken = names.includes('UNRELEASED_INSTANCE_ID');
        if (!isTaken || clock.now() - start > UNRELEASED_MS || wire.signal.aborted) throw error;
        await clock.sleep(UNRELEASED_POLL_MS, wire.signal);
      }
    }
  }

  #request(epoch: number, owned: TopicIds): Parameters<typeof consumerGroupHeartbeatV1.createRequest> {
    const { group, instanceId, rebalanceTimeoutMs, topics } = this.#options;
    const subscribed = [...topics];
    const memberId = this.#memberId;
    return [group, memberId, epoch, instanceId, NO_RACK, rebalanceTimeoutMs, subscribed, NO_PATTERN, ASSIGNOR, owned];
  }

  /** `joins`: how many there had been when the heartbeat was sent; an answer settles none that came later. */
  async #adopt(answer: Answer, joins: number): Promise<void> {
    const { memberEpoch, heartbeatIntervalMs, assignment } = answer;
    this.#epoch = memberEpoch;
    this.#heartbeatMs = heartbeatIntervalMs;
    const dealt = assignment === null ? this.#dealt : await this.#withNames(assignment.topicPartitions);
    if (this.#over.signal.aborted) return;
    const isNews = keysOf(dealt) !== keysOf(this.#dealt);
    this.#dealt = dealt;
    this.#owned = union(this.#owned, dealt);
    const identity = this.#identity;
    if (this.state === 'joining' ? joins === this.#joins : isNews) {
      this.#status.settle(identity, { partitions: dealt, note: new Uint8Array() });
    } else {
      this.#status.renew(identity);
    }
  }

  get #identity(): MemberIdentity {
    return { memberId: this.#memberId, generation: this.#epoch, instanceId: this.#options.instanceId };
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }

  /** Waits for the heartbeat under way, but not through an outage: its retries last as long as that. */
  async #commit<Result>(work: (identity: MemberIdentity) => Promise<Result>): Promise<Result> {
    const { clock, patienceMs = PATIENCE_MS } = this.#cluster.options;
    const begun = new AbortController();
    const done = this.#inTurn(() => {
      if (begun.signal.aborted) return Promise.reject(new Error('given up'));
      begun.abort();
      if (this.#over.signal.aborted) {
        throw new FencedError('TRG_MEMBER_LOST', 'the group went on without this worker, which tried to commit');
      }
      return work(this.#identity);
    });
    const late = clock.sleep(patienceMs, begun.signal).then(() => {
      if (begun.signal.aborted) return done;
      begun.abort();
      throw new RetryableError('TRG_LOG_UNREACHABLE', "the group's coordinator did not answer");
    });
    return Promise.race([done, late]);
  }

  async #withIds(partitions: readonly TopicPartition[]): Promise<TopicIds> {
    const byTopic = [...Map.groupBy(partitions, ({ topic }) => topic).values()];
    return Promise.all(
      byTopic.map(async (ofTopic) => {
        const { info } = await this.#cluster.partition(ofTopic[0]!);
        return { topicId: info.id, partitions: ofTopic.map(({ partition }) => partition) };
      }),
    );
  }

  async #withNames(topicPartitions: TopicIds): Promise<readonly TopicPartition[]> {
    if (topicPartitions.length === 0) return [];
    const names = new Map((await this.#cluster.topics()).map(({ id, topic }) => [id, topic]));
    // An id without a name is of a topic just deleted: there is nothing to read.
    return topicPartitions.flatMap(({ topicId, partitions }) => {
      const topic = names.get(topicId);
      return topic === undefined ? [] : partitions.map((partition) => ({ topic, partition }));
    });
  }
}

function keysOf(partitions: readonly TopicPartition[]): string {
  return partitions.map(partitionKey).sort().join();
}

function union(a: readonly TopicPartition[], b: readonly TopicPartition[]): readonly TopicPartition[] {
  return [...new Map([...a, ...b].map((each) => [partitionKey(each), each])).values()];
}

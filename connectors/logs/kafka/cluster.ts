// Connections to a cluster, who leads which partition, and who coordinates which group or transactional id.
//
// Owns: connections, what is known of topics and coordinators, trying again. Does not own: what is asked.
//
// Requests go out in the versions named here and nowhere else; brokers from Kafka 3.2 on know them all.
//
// Invariants:
//   K1. Nothing is created by asking for it: auto-creation is never allowed.

import { type API, type Connection, findCoordinatorV4, metadataV12 } from '@platformatic/kafka';
import { type ErrorFields, FatalError } from '../../../lib/errors.ts';
import type { TopicPartition } from '../../../topology/engine/ports.ts';
import { type Broker, Connections, closedError } from './connections.ts';
import { engineErrorOf, errorNames, isTransient, isUnanswered } from './kafka-errors.ts';
import { type KafkaOptions, PATIENCE_MS } from './options.ts';
import { brokerOf, poolOf } from './pool.ts';
import { noteRequest } from './refusal.ts';

export interface Leader {
  readonly node: number;
  readonly epoch: number;
}

export interface TopicInfo {
  readonly topic: string;
  /** The id that tells it from a later topic of the same name. */
  readonly id: string;
  readonly isInternal: boolean;
  /** By partition number; null while it has no leader. */
  readonly leaders: readonly (Leader | null)[];
}

type Coordinated = 'group' | 'transaction';

/** A transaction's end, which the next one waits for, takes the cluster a millisecond or two. */
const BACKOFF_MIN_MS = 1;
const BACKOFF_MAX_MS = 200;
/** A topic just created may not be known to every broker yet: so long one is looked for. */
const MISSING_MS = 300;
const MISSING_POLL_MS = 100;

/** Connections of their own to the brokers that a Cluster knows. */
export interface Channel {
  ask<Arguments extends unknown[], Answer>(
    node: number | null,
    api: API<Arguments, Answer>,
    ...args: Arguments
  ): Promise<Answer>;
  close(): Promise<void>;
}

export class Cluster implements Channel {
  readonly options: KafkaOptions;
  readonly #connections: Connections;
  readonly #bootstrap: readonly Broker[];
  #brokers = new Map<number, Broker>();
  readonly #topics = new Map<string, TopicInfo>();
  readonly #coordinators = new Map<string, number>();

  constructor(options: KafkaOptions) {
    this.options = options;
    this.#bootstrap = options.brokers.map(brokerOf);
    this.#connections = new Connections(poolOf(options));
  }

  /** For requests that would keep others waiting: a broker answers those of one connection one after the other. */
  openChannel({ requestTimeoutMs }: { readonly requestTimeoutMs?: number } = {}): Channel {
    const connections = new Connections(poolOf(this.options, requestTimeoutMs));
    return {
      ask: async (node, api, ...args) => send(await this.#connection(node, connections), api, args),
      close: () => connections.close(),
    };
  }

  /** Ids of the brokers that are up. */
  async brokers(): Promise<readonly number[]> {
    await this.#learn([]);
    return [...this.#brokers.keys()];
  }

  /** Asks a broker, or any (null). Throws the library's errors. */
  async ask<Arguments extends unknown[], Answer>(
    node: number | null,
    api: API<Arguments, Answer>,
    ...args: Arguments
  ): Promise<Answer> {
    return send(await this.#connection(node, this.#connections), api, args);
  }

  /**
   * Does `work`, again and again while its errors are transient and patience lasts. Throws our errors, with `fields`, which
   * name what is asked for (refusal.ts).
   */
  async patiently<Result>(
    doing: string,
    work: () => Promise<Result>,
    recover?: (error: unknown) => void,
    fields: ErrorFields = {},
  ): Promise<Result> {
    const { clock, patienceMs = PATIENCE_MS } = this.options;
    const start = clock.now();
    for (let backoff = BACKOFF_MIN_MS; ; backoff = Math.min(2 * backoff, BACKOFF_MAX_MS)) {
      try {
        return await work();
      } catch (error) {
        if (this.#connections.isClosed) throw closedError();
        if (!isTransient(error) || clock.now() - start >= patienceMs) throw engineErrorOf(error, doing, fields);
        if (isUnanswered(error)) this.#forgetEverything();
        recover?.(error);
        await clock.sleep(backoff);
      }
    }
  }

  /** All topics but the cluster's own. */
  async topics(): Promise<readonly TopicInfo[]> {
    const topics = await this.patiently('to list topics', () => this.#learn(null));
    return topics.filter(({ isInternal }) => !isInternal);
  }

  /** Throws FatalError TRG_TOPIC_MISSING, also when the partition is what is missing. */
  async partition({ topic, partition }: TopicPartition): Promise<{ info: TopicInfo; leader: Leader }> {
    return this.patiently(`to find ${topic}/${partition}`, async () => {
      const info = this.#topics.get(topic) ?? (await this.#find(topic));
      if (partition >= info.leaders.length) throw missing(topic, partition, info.leaders.length);
      const leader = info.leaders[partition] ?? null;
      if (leader !== null) return { info, leader };
      this.forget(topic);
      throw new Leaderless();
    });
  }

  /** What was known of a topic is out of date. */
  forget(topic: string): void {
    this.#topics.delete(topic);
  }

  /** Asks the coordinator of a group or transactional id; finds it anew when it has moved. Throws our errors. */
  askCoordinator<Arguments extends unknown[], Answer>(
    of: { kind: Coordinated; name: string; doing: string },
    api: API<Arguments, Answer>,
    ...args: Arguments
  ): Promise<Answer> {
    const { kind, name, doing } = of;
    return this.patiently(
      doing,
      async () => this.ask(await this.coordinator(kind, name), api, ...args),
      (error) => {
        if (errorNames(error).some((each) => each.includes('COORDINATOR'))) this.forgetCoordinator(kind, name);
      },
      namesOf(kind, name),
    );
  }

  /** Throws the library's errors. */
  async coordinator(kind: Coordinated, name: string): Promise<number> {
    const known = this.#coordinators.get(`${kind} ${name}`);
    if (known !== undefined) return known;
    const found = this.ask(null, findCoordinatorV4.api, kind === 'group' ? 0 : 1, [name]);
    const { coordinators } = await found.catch((error: unknown) => {
      throw noteRequest(error, findCoordinatorV4.api.key, namesOf(kind, name));
    });
    const { nodeId, host, port } = coordinators[0]!;
    this.#brokers.set(nodeId, { host, port });
    this.#coordinators.set(`${kind} ${name}`, nodeId);
    return nodeId;
  }

  forgetCoordinator(kind: Coordinated, name: string): void {
    this.#coordinators.delete(`${kind} ${name}`);
  }

  async close(): Promise<void> {
    await this.#connections.close();
  }

  async #connection(node: number | null, connections: Connections): Promise<Connection> {
    const known = [...this.#brokers.values()];
    const broker = node === null ? undefined : this.#brokers.get(node);
    const candidates = broker === undefined ? [...known, ...this.#bootstrap] : [broker];
    const connection = await connections.first(candidates);
    // A broken connection ends its requests with errors of their own; an 'error' that nobody hears ends the process.
    if (connection.listenerCount('error') < 2) connection.on('error', (error) => endings.set(connection, error));
    return connection;
  }

  async #find(topic: string): Promise<TopicInfo> {
    const { clock } = this.options;
    for (let waited = 0; ; waited += MISSING_POLL_MS) {
      const found = (await this.#learn([topic])).find((info) => info.topic === topic);
      if (found !== undefined) return found;
      if (waited >= MISSING_MS) throw missing(topic);
      await clock.sleep(MISSING_POLL_MS);
    }
  }

  async #learn(topics: string[] | null): Promise<readonly TopicInfo[]> {
    const answer = await this.#metadata(topics);
    this.#brokers = new Map(answer.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]));
    const infos = answer.topics
      .filter(({ errorCode }) => errorCode === 0)
      .map(({ name, topicId, isInternal, partitions }) => {
        const leaders: (Leader | null)[] = Array.from({ length: partitions.length }, () => null);
        for (const { partitionIndex, leaderId, leaderEpoch } of partitions) {
          if (leaderId >= 0) leaders[partitionIndex] = { node: leaderId, epoch: leaderEpoch };
        }
        return { topic: name!, id: topicId, isInternal, leaders };
      });
    for (const info of infos) this.#topics.set(info.topic, info);
    return infos;
  }

  /** An error about one topic or partition is no reason to lose what was said of the others. */
  async #metadata(topics: string[] | null) {
    try {
      return await this.ask(null, metadataV12.api, topics as string[], false, false);
    } catch (error) {
      const { response } = error as { response?: Awaited<ReturnType<typeof metadataV12.api.async>> };
      const denied = errorNames(error).some((name) => name.endsWith('AUTHORIZATION_FAILED'));
      if (response === undefined || denied) throw error;
      return response;
    }
  }

  #forgetEverything(): void {
    this.#topics.clear();
    this.#coordinators.clear();
  }
}

function namesOf(kind: Coordinated, name: string): ErrorFields {
  return kind === 'group' ? { group: name } : { transactionalId: name };
}

/** An error of an answer remembers what was asked. */
async function send<Arguments extends unknown[], Answer>(
  connection: Connection,
  api: API<Arguments, Answer>,
  args: Arguments,
): Promise<Answer> {
  try {
    return await api.async(connection, ...args);
  } catch (error) {
    // Why the connection ended, such as a certificate that the broker did not take, is not in the error of its requests.
    const ending = endings.get(connection);
    if (error instanceof Error && ending !== error) error.cause ??= ending;
    throw noteRequest(error, api.key);
  }
}

const endings = new WeakMap<Connection, Error>();

/** A partition between two leaders: as transient as a broken connection. */
class Leaderless extends Error {
  readonly apiId = 'LEADER_NOT_AVAILABLE';
}

function missing(topic: string, partition?: number, count?: number): FatalError {
  const what =
    partition === undefined ? `the topic ${topic}` : `partition ${partition} of ${topic}, which has ${count},`;
  return new FatalError('TRG_TOPIC_MISSING', `${what} does not exist`, { topic, partition: partition ?? null });
}

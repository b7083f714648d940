// Asks brokers for the records of feeds and lets the answers land there.
//
// Owns: requests of one reader, leaders that moved, offsets that are gone. Does not own: when to ask (reader.ts).

import { ProtocolError } from '@platformatic/kafka';
import { FatalError, RetryableError } from '../../../lib/errors.ts';
import { partitionKey } from '../../../topology/engine/ports.ts';
import { type KafkaAdmin, READ_COMMITTED } from './admin.ts';
import type { Channel, Cluster } from './cluster.ts';
import type { Feed } from './feed.ts';
import { noteRequest } from './refusal.ts';
import { type FetchedPart, fetchApi } from './wire-requests.ts';

/** Of one answer: the library joins what the network brought piece by piece, and slows down beyond a few megabytes. */
const FETCH_BYTES = 4 * 1024 * 1024;
/** Of one partition in it, so that one does not fill the answer. */
const PARTITION_BYTES = 1024 * 1024;
const OFFSET_OUT_OF_RANGE = 1;
const OFFSET_NOT_AVAILABLE = 78;
const NO_SESSION = { id: 0, epoch: -1 } as const;

interface Asked {
  readonly feed: Feed;
  readonly topicId: string;
  readonly from: number;
}

export class Fetcher {
  readonly #cluster: Cluster;
  readonly #admin: KafkaAdmin;

  constructor(cluster: Cluster, admin: KafkaAdmin) {
    this.#cluster = cluster;
    this.#admin = admin;
  }

  /** Feeds by the broker that leads them. */
  async byLeader(feeds: readonly Feed[]): Promise<ReadonlyMap<number, readonly Feed[]>> {
    const leaders = await Promise.all(feeds.map(async (feed) => (await this.#cluster.partition(feed)).leader.node));
    return Map.groupBy(feeds, (feed) => leaders[feeds.indexOf(feed)]!);
  }

  /** Fetches what there is of all the feeds, now. Tries again while patience lasts; throws our errors. */
  async fetchNow(feeds: readonly Feed[], asOf: number): Promise<void> {
    let left = feeds;
    await this.#cluster.patiently(
      'to read records',
      async () => {
        await this.#findLost(left);
        const results = await Promise.allSettled(
          [...(await this.byLeader(left))].map(([node, ofNode]) => this.fetch(this.#cluster, node, ofNode, 0, asOf)),
        );
        left = left.filter((feed) => feed.endAsOf < asOf);
        const failed = results.find((result) => result.status === 'rejected');
        if (failed !== undefined) throw failed.reason;
      },
      () => {
        for (const { topic } of left) this.#cluster.forget(topic);
      },
    );
  }

  /** One request. Answers of partitions without error land also when this throws. Throws the library's errors. */
  async fetch(channel: Channel, node: number, feeds: readonly Feed[], waitMs: number, asOf: number): Promise<void> {
    const asked: Asked[] = [];
    for (const feed of feeds) {
      const { info } = await this.#cluster.partition(feed);
      asked.push({ feed, topicId: info.id, from: feed.fetchAt });
    }
    const topics = [...Map.groupBy(asked, ({ topicId }) => topicId)].map(([topicId, ofTopic]) => ({
      topicId,
      partitions: ofTopic.map(({ feed, from }) => ({
        partition: feed.partition,
        currentLeaderEpoch: -1,
        fetchOffset: BigInt(from),
        lastFetchedEpoch: -1,
        partitionMaxBytes: PARTITION_BYTES,
      })),
    }));
    const limits = [waitMs, 1, FETCH_BYTES, READ_COMMITTED, NO_SESSION.id, NO_SESSION.epoch] as const;
    const answer = await channel.ask(node, fetchApi, ...limits, topics, [], '');
    let failed = errorOf(answer.errorCode);
    for (const part of answer.parts) failed = this.#land(part, asked, asOf) ?? failed;
    if (failed !== undefined) throw failed;
  }

  /** Returns the error that keeps this part from landing, or undefined. */
  #land(part: FetchedPart, asked: readonly Asked[], asOf: number): unknown {
    const request = asked.find(({ feed, topicId }) => feed.partition === part.partition && topicId === part.topicId);
    if (request === undefined) return undefined;
    const { feed, from } = request;
    if (part.errorCode === 0) return landed(feed, part, from, asOf);
    if (part.errorCode !== OFFSET_OUT_OF_RANGE) return errorOf(part.errorCode, feed.topic);
    feed.isLost = feed.fetchAt === from;
    // "Not there" is answered by looking where the log begins, then asking again.
    return feed.isLost ? errorOf(OFFSET_NOT_AVAILABLE) : undefined;
  }

  async #findLost(feeds: readonly Feed[]): Promise<void> {
    for (const feed of feeds) {
      if (!feed.isLost) continue;
      const { first, end } = await this.#admin.offsets(feed);
      if (feed.fetchAt > end) {
        const text = `${partitionKey(feed)} ends at ${end}, before the position ${feed.fetchAt}`;
        throw new FatalError('TRG_LOG_TRUNCATED', text, { topic: feed.topic, partition: feed.partition });
      }
      feed.moveTo(Math.max(first, feed.fetchAt));
    }
  }
}

/** Records that are damaged (D1 of batch-decoder.ts) keep nobody else's from landing. */
function landed(feed: Feed, part: FetchedPart, from: number, asOf: number): unknown {
  try {
    feed.land(part, from, asOf);
    return undefined;
  } catch (error) {
    if (!(error instanceof RetryableError)) throw error;
    const { topic, partition } = feed;
    return new RetryableError(error.code, `${partitionKey(feed)}: ${error.message}`, {
      topic,
      partition,
      ...error.fields,
    });
  }
}

function errorOf(code: number, topic: string | null = null): unknown {
  return code === 0 ? undefined : noteRequest(new ProtocolError(code), fetchApi.key, { topic });
}

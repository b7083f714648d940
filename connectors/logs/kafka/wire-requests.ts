// The two requests that carry records, with record batches left as bytes: batch-decoder.ts and batch-encoder.ts know them.
//
// Owns: Fetch version 13 and Produce version 9. The library's own versions of them decode and encode every record into
// objects of its own, and drop the answer of all partitions when one has an error.

import { createAPI, fetchV13, type Reader, Writer } from '@platformatic/kafka';

export interface FetchedPart {
  readonly topicId: string;
  readonly partition: number;
  /** The cluster's number; 0 is none. */
  readonly errorCode: number;
  /** First offset not written yet. Beyond what can be read while transactions are open. */
  readonly highWatermark: number;
  readonly logStartOffset: number;
  /** Transactions that overlap what was fetched and were aborted. */
  readonly aborted: readonly { readonly producerId: bigint; readonly firstOffset: number }[];
  /** Record batches; the last may be cut off. */
  readonly batches: Buffer;
}

const EMPTY = Buffer.alloc(0);

function parseFetch(_correlation: number, _key: number, _version: number, reader: Reader): FetchAnswer {
  reader.readInt32();
  const errorCode = reader.readInt16();
  reader.readInt32();
  const parts: FetchedPart[] = [];
  reader.readArray((topic) => {
    const topicId = topic.readUUID();
    topic.readArray(
      (r) => {
        parts.push(parsePart(r, topicId));
        return null;
      },
      true,
      true,
    );
    return null;
  });
  return { errorCode, parts };
}

function parsePart(r: Reader, topicId: string): FetchedPart {
  const partition = r.readInt32();
  const errorCode = r.readInt16();
  const highWatermark = Number(r.readInt64());
  r.readInt64();
  const logStartOffset = Number(r.readInt64());
  const aborted =
    r.readNullableArray((each) => ({ producerId: each.readInt64(), firstOffset: Number(each.readInt64()) })) ?? [];
  r.readInt32();
  const size = r.readUnsignedVarInt() - 1;
  const batches = size > 0 ? r.buffer.slice(r.position, r.position + size) : EMPTY;
  if (size > 0) r.skip(size);
  return { topicId, partition, errorCode, highWatermark, logStartOffset, aborted, batches };
}

export interface FetchAnswer {
  readonly errorCode: number;
  readonly parts: readonly FetchedPart[];
}

export const fetchApi = createAPI<Parameters<typeof fetchV13.createRequest>, FetchAnswer>(
  1,
  13,
  fetchV13.createRequest,
  parseFetch,
);

export interface ProducePart {
  readonly topic: string;
  readonly partition: number;
  readonly batch: Buffer;
}

export interface ProducedPart {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  readonly baseOffset: number;
}

/** How long the broker may wait for its replicas, ms. */
const REPLICA_TIMEOUT_MS = 10_000;
const ACKS_ALL = -1;

function createProduce(transactionalId: string | null, parts: readonly ProducePart[]): Writer {
  const topics = Map.groupBy(parts, ({ topic }) => topic);
  return Writer.create()
    .appendString(transactionalId)
    .appendInt16(ACKS_ALL)
    .appendInt32(REPLICA_TIMEOUT_MS)
    .appendArray([...topics], (w, [topic, ofTopic]) => {
      w.appendString(topic).appendArray(ofTopic, (w, { partition, batch }) => {
        w.appendInt32(partition)
          .appendUnsignedVarInt(batch.length + 1)
          .append(batch);
      });
    })
    .appendTaggedFields();
}

function parseProduce(_correlation: number, _key: number, _version: number, reader: Reader): ProducedPart[] {
  const parts: ProducedPart[] = [];
  reader.readArray((r) => {
    const topic = r.readString();
    r.readArray((r) => {
      const partition = r.readInt32();
      const errorCode = r.readInt16();
      const baseOffset = Number(r.readInt64());
      r.readInt64();
      r.readInt64();
      r.readArray((each) => [each.readInt32(), each.readNullableString()]);
      r.readNullableString();
      parts.push({ topic, partition, errorCode, baseOffset });
      return null;
    });
    return null;
  });
  return parts;
}

export const produceApi = createAPI<[string | null, readonly ProducePart[]], ProducedPart[]>(
  0,
  9,
  createProduce,
  parseProduce,
);

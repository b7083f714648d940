// Java-compatible murmur2 and Kafka's default partitioner, so that our keys land where other clients' do.
// Source: org.apache.kafka.common.utils.Utils.murmur2 (algorithm by Austin Appleby, public domain).

const SEED = 0x9747b28c;
const M = 0x5bd1e995;

/** 32-bit murmur2 of `data` as a signed integer, as Kafka's Java client computes it. */
export function murmur2(data: Uint8Array): number {
  const length = data.length;
  let h = SEED ^ length;
  const blocks = length >> 2;
  for (let i = 0; i < blocks; i++) {
    const at = i << 2;
    let k = data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16) | (data[at + 3]! << 24);
    k = Math.imul(k, M);
    k ^= k >>> 24;
    k = Math.imul(k, M);
    h = Math.imul(h, M) ^ k;
  }
  const tail = blocks << 2;
  const rest = length & 3;
  if (rest > 2) h ^= data[tail + 2]! << 16;
  if (rest > 1) h ^= data[tail + 1]! << 8;
  if (rest > 0) h = Math.imul(h ^ data[tail]!, M);
  h ^= h >>> 13;
  h = Math.imul(h, M);
  h ^= h >>> 15;
  return h;
}

/** The partition of a key among `partitions`, as Kafka's Java producer chooses it. */
export function partitionOf(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions;
}

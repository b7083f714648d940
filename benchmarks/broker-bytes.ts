// What topics take on the brokers' disks.

import { Admin } from '@platformatic/kafka';

/** Bytes of each topic's partitions on all brokers, compressed as they lie there, by topic. */
export async function topicBytes(
  brokers: readonly string[],
  topics: ReadonlyMap<string, number>,
): Promise<ReadonlyMap<string, number>> {
  const admin = new Admin({ clientId: 'bench-bytes', bootstrapBrokers: [...brokers] });
  try {
    const wanted = Array.from(topics, ([name, count]) => ({
      name,
      partitions: Array.from({ length: count }, (_, i) => i),
    }));
    const bytes = new Map<string, number>();
    for (const { results } of await admin.describeLogDirs({ topics: wanted })) {
      for (const { name, partitions } of results.flatMap((folder) => folder.topics)) {
        const sum = partitions.reduce((all, { partitionSize }) => all + Number(partitionSize), 0);
        bytes.set(name, (bytes.get(name) ?? 0) + sum);
      }
    }
    return bytes;
  } finally {
    await admin.close();
  }
}

// A Kafka cluster as the log of topology/engine/ports.ts.
//
// Owns: what was opened, and closing it.

import type { GroupMember, GroupOptions, Log, LogReader, LogWriter } from '../../../topology/engine/ports.ts';
import { KafkaAdmin } from './admin.ts';
import { Cluster } from './cluster.ts';
import { closedError } from './connections.ts';
import { ClassicMember } from './group/classic-member.ts';
import { ConsumerMember } from './group/consumer-member.ts';
import { Memberships } from './group/memberships.ts';
import type { KafkaOptions } from './options.ts';
import { KafkaReader } from './reader.ts';
import { KafkaWriter } from './writer.ts';

export interface KafkaLog extends Log {
  openMember(options: GroupOptions): GroupMember;
  /** Ids of the brokers that are up. Throws RetryableError TRG_LOG_UNREACHABLE when patience ends. */
  brokers(): Promise<readonly number[]>;
}

/**
 * What topics of ours take (topology/topics.ts: 8 MiB), less what is around a value. One whose owner gave it less ends the engine, by
 * name and setting.
 */
const RECORD_BYTES_MAX = 8 * 1024 * 1024 - 128 * 1024;

/** Connects on first use. Throws FatalError TRG_CONFIG_INVALID for an address that is none. */
export function openKafkaLog(options: KafkaOptions): KafkaLog {
  const cluster = new Cluster(options);
  const admin = new KafkaAdmin(cluster);
  const memberships = new Memberships();
  const opened = new Set<{ close(): Promise<void> }>();
  let isClosed = false;
  return {
    admin,
    recordBytesMax: RECORD_BYTES_MAX,
    brokers: () => cluster.patiently('to list brokers', () => cluster.brokers()),
    openReader: () => {
      if (isClosed) throw closedError();
      const reader: LogReader = new KafkaReader(cluster, admin, () => opened.delete(reader));
      opened.add(reader);
      return reader;
    },
    openWriter: async (transactionalId) => {
      if (isClosed) throw closedError();
      const writer: LogWriter = await KafkaWriter.open(cluster, memberships, transactionalId, () =>
        opened.delete(writer),
      );
      opened.add(writer);
      return writer;
    },
    openMember: (group) => {
      if (isClosed) throw closedError();
      const onClose = (): boolean => opened.delete(open);
      const member: GroupMember =
        group.protocol === 'consumer'
          ? new ConsumerMember(cluster, group, memberships, onClose)
          : new ClassicMember(cluster, group, onClose);
      const open = { close: () => member.close({ leave: false }) };
      opened.add(open);
      return member;
    },
    close: async () => {
      if (isClosed) return;
      isClosed = true;
      await Promise.all([...opened].map((each) => each.close()));
      await cluster.close();
    },
  };
}

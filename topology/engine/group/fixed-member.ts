// A group of one, whose tasks never change: for logs that one process has to itself, and for tests.

import type { GroupMember, MemberAssignment, TopicPartition } from '../ports.ts';

export function fixedMember(partitions: readonly TopicPartition[]): GroupMember {
  const assignment: MemberAssignment = { partitions, note: new Uint8Array(0) };
  return {
    state: 'settled',
    identity: null,
    assignment,
    error: null,
    join: () => {},
    close: async () => {},
  };
}

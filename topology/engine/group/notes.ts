// What members of a group say to their leader, and the leader to them, beside the partitions.
//
// Invariants:
//   A worker of another version may be in the group during a rolling upgrade: names may be added, none taken away.

import { utf8Text } from '../../../lib/bytes.ts';

/** Where a process answers other workers' questions, and what they show to be let in. */
export interface AskAddress {
  /** Such as `http://10.0.0.5:8080`. */
  readonly url: string;
  /** Made anew at each start. Whoever may describe the group can see it. */
  readonly token: string;
}

export interface MemberNote {
  /** Members of one process share state folders. */
  readonly process: string;
  /** The transactional id of the member's writer. */
  readonly writer: string;
  /** Changelog offset to which the process has the state of each task, by task id. */
  readonly offsets: Readonly<Record<string, number>>;
  /** Null: it takes no questions. Undefined: it is of a version that knows none. */
  readonly ask?: AskAddress | null;
}

export interface LeaderNote {
  /** Writers of all members: any other is gone for good, and may be fenced. */
  readonly writers: readonly string[];
  /** Tasks whose state is followed because they are to move here: the member joins again once it has caught up. */
  readonly warmup: readonly string[];
}

export function encodeNote(note: MemberNote | LeaderNote): Uint8Array {
  return Buffer.from(JSON.stringify(note));
}

export function decodeMemberNote(bytes: Uint8Array): MemberNote {
  return { process: '', writer: '', offsets: {}, ...parse(bytes) };
}

export function decodeLeaderNote(bytes: Uint8Array): LeaderNote | null {
  return bytes.length === 0 ? null : { writers: [], warmup: [], ...parse(bytes) };
}

function parse(bytes: Uint8Array): object {
  return bytes.length === 0 ? {} : (JSON.parse(utf8Text(bytes)) as object);
}

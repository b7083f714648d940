// What a task's database notes of itself, beside its documents: whose it is, and up to which changelog offset it goes.

import { utf8Text } from '../../lib/bytes.ts';
import type { KeyValueStore, StoreWrite } from '../../state/store/api.ts';
import { noteKey } from '../../state/store/key-codec.ts';

const CHANGELOG = noteKey('changelog-offset');
const OWNER = noteKey('owner');

/** The write that says: this state is the fold of the changelog up to `offset` (exclusive). */
export function changelogNote(offset: number): StoreWrite {
  const value = Buffer.alloc(8);
  value.writeDoubleBE(offset);
  return { key: CHANGELOG, value };
}

/** The changelog offset the state corresponds to; 0 for an empty database. */
export function readChangelogNote(store: KeyValueStore): number {
  const value = store.get(CHANGELOG);
  return value === undefined ? 0 : new DataView(value.buffer, value.byteOffset).getFloat64(0);
}

export function ownerNote(owner: string): StoreWrite {
  return { key: OWNER, value: Buffer.from(owner) };
}

/** `${application}/${task}` of the database; null when it is new. */
export function readOwnerNote(store: KeyValueStore): string | null {
  const value = store.get(OWNER);
  return value === undefined ? null : utf8Text(value);
}

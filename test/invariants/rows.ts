// What a task's store holds, as text that can be compared.

import type { KeyValueStore } from '../../state/store/api.ts';

const ALL = [Uint8Array.of(0), Uint8Array.of(255)] as const;
/** Rows of the task itself, such as how far its changelog goes. */
const NOTE = 'm'.charCodeAt(0);

/** Documents and due rows, as text. */
export async function rowsOf(store: KeyValueStore): Promise<string[]> {
  const entries = await store.range(...ALL, Number.POSITIVE_INFINITY);
  const rows = entries.filter(({ key }) => key[0] !== NOTE);
  return rows.map(({ key, value }) => `${Buffer.from(key).toString('latin1')} ${Buffer.from(value).toString('hex')}`);
}

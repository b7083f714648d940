// The state of a pattern as schemas/state/entity.avsc has it: a union, whose branch Avro names by the record's full name.
//
// Owns: the names of the branches, also inside of `compound`, whose inner patterns have states of their own.

import type { CompoundState, PatternState } from '../rules/api.ts';

/** `{ [branch]: state }`. */
export type StoredState = { readonly [branch: string]: unknown };

const BRANCH = 'dev.tripline.state.';

export function encodeState(state: PatternState): StoredState {
  if (state.kind !== 'compound') return { [BRANCH + state.kind]: state };
  const inner = state.inner.map((one) => ({ place: one.place, state: encodeState(one.state) }));
  return { [BRANCH + state.kind]: { ...state, inner } };
}

export function decodeState(stored: StoredState): PatternState {
  const branch = Object.keys(stored)[0]!;
  const kind = branch.slice(BRANCH.length);
  const fields = stored[branch] as object;
  if (kind !== 'compound') return { ...fields, kind } as PatternState;
  const { inner, ...rest } = fields as StoredCompound;
  return { ...rest, kind, inner: inner.map(({ place, state }) => ({ place, state: decodeState(state) })) };
}

type StoredCompound = Omit<CompoundState, 'kind' | 'inner'> & {
  readonly inner: readonly { readonly place: number; readonly state: StoredState }[];
};

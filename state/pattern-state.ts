// The state of a pattern as schemas/state/entity.avsc has it: a union, whose branch Avro names by the record's full name.
//
// Owns: the names of the branches, also inside of `compound`, whose inner patterns have states of their own.

import type { CompoundState, PatternState } from '../rules/api.ts';

/** `{ [branch]: state }`. */
export type StoredState = { readonly [branch: string]: unknown };

const BRANCH = 'dev.tripline.state.';
/** By kind: made once, since a document that is written has several. */
const branches = new Map<string, string>();

function branchOf(kind: string): string {
  let branch = branches.get(kind);
  if (branch === undefined) branches.set(kind, (branch = BRANCH + kind));
  return branch;
}

export function encodeState(state: PatternState): StoredState {
  if (state.kind !== 'compound') return { [branchOf(state.kind)]: state };
  const inner = state.inner.map((one) => ({ place: one.place, state: encodeState(one.state) }));
  return { [branchOf(state.kind)]: { ...state, inner } };
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

// The state of a pattern as schemas/state/entity.avsc has it: a union, whose branch Avro names by the record's full name.
//
// Owns: the names of the branches, also inside of `compound`, whose inner patterns have states of their own; clocks of
// `absence`, which are the commonest states by far, without the schema's records.

import type { AbsenceState, CompoundState, PatternState } from '../../rules/api.ts';
import { type AvroReader, type AvroWriter, readList, writeList } from '../../schemas/avro-bytes.ts';
import { avroPart } from '../../schemas/codec.ts';
import { Event } from '../../schemas/event.ts';

/** `{ [branch]: state }`. */
type StoredState = { readonly [branch: string]: unknown };

/** The union of all states, each in the schema's record. */
const anyState = avroPart<StoredState>('state/entity', 'rules', 'instances', 'state');
/** The branch of `absence` in that union. */
const ABSENCE = 0;

export function writeState(state: PatternState, out: AvroWriter): void {
  if (state.kind !== 'absence') {
    anyState.write(encodeState(state), out);
    return;
  }
  out.long(ABSENCE);
  writeList(out, state.clocks, ({ start, deadline }) => {
    start.encode(out);
    out.long(deadline);
  });
}

export function readState(input: AvroReader): PatternState {
  const { at } = input;
  if (input.long() === ABSENCE) return { kind: 'absence', clocks: readList(input, readClock) };
  input.at = at;
  return decodeState(anyState.read(input));
}

function readClock(input: AvroReader): AbsenceState['clocks'][number] {
  const start = Event.decode(input);
  return { start, deadline: input.long() };
}

const BRANCH = 'dev.tripline.state.';
/** By kind: made once, since a document that is written has several. */
const branches = new Map<string, string>();

function branchOf(kind: string): string {
  let branch = branches.get(kind);
  if (branch === undefined) branches.set(kind, (branch = BRANCH + kind));
  return branch;
}

function encodeState(state: PatternState): StoredState {
  if (state.kind !== 'compound') return { [branchOf(state.kind)]: state };
  const inner = state.inner.map((one) => ({ place: one.place, state: encodeState(one.state) }));
  return { [branchOf(state.kind)]: { ...state, inner } };
}

function decodeState(stored: StoredState): PatternState {
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

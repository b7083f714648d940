// Which segments an entity belongs to, as of what was read, and as of what was evaluated in order of event time.
//
// Owns: shape and stored form. Does not own: when it is looked at (processors/evaluate/segments.ts).

import * as binary from '../../schemas/binary.ts';
import type { StateCodec } from '../../schemas/section.ts';

export interface SegmentLane {
  /** arrival or event-time. */
  readonly lane: string;
  /** Membership is as of this event time. */
  evaluatedAt: number;
  /** When time alone may change it; Infinity: never. */
  changesAt: number;
  members: readonly { readonly segment: string; readonly since: number }[];
}

export const membership: StateCodec<SegmentLane[]> = {
  kind: 'segments',
  version: 1,
  ...binary.list(
    binary.record<SegmentLane>({
      lane: binary.text,
      evaluatedAt: binary.integer,
      changesAt: binary.timeOrNever,
      members: binary.list(binary.record({ segment: binary.text, since: binary.integer })),
    }),
  ),
};

/** When time alone may change membership in any lane, ms; Infinity: never. */
export function membershipDue(lanes: readonly SegmentLane[] | undefined): number {
  let earliest = Infinity;
  for (const { changesAt } of lanes ?? []) earliest = Math.min(earliest, changesAt);
  return earliest;
}

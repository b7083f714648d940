// Which variants an entity was given, so that a change of weights moves nobody.
//
// Invariants:
//   A1. At most ASSIGNMENTS_MAX experiments of an entity are remembered; the oldest goes, and its variant follows from the hash again.

import type { Chosen } from '../../../rules/flows/flow.ts';
import * as binary from '../../../schemas/binary.ts';
import type { Sections, StateCodec } from '../../../schemas/section.ts';

const ASSIGNMENTS_MAX = 100;

const assignments: StateCodec<Chosen[]> = {
  kind: 'assignments',
  version: 1,
  ...binary.list(binary.record<Chosen>({ experiment: binary.text, variant: binary.text })),
};

/** Null: it was given none. */
export function assignedVariant(sections: Sections, experiment: string): string | null {
  return sections.open(assignments)?.find((one) => one.experiment === experiment)?.variant ?? null;
}

export function rememberAssigned(sections: Sections, { experiment, variant }: Chosen): void {
  const known = sections.open(assignments) ?? [];
  if (known.some((one) => one.experiment === experiment && one.variant === variant)) return;
  const others = known.filter((one) => one.experiment !== experiment).slice(-(ASSIGNMENTS_MAX - 1));
  sections.put(assignments, [...others, { experiment, variant }]);
}

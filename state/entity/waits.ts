// What waits for an entity: for a time, an event or an answer. One mechanism for all of it; what waits is its owner's.
//
// Owns: the list, its bounds, when the first of them is due. Does not own: what goes on when a wait is over.
//
// Invariants:
//   W1. At most `max` of a kind wait for an entity, whatever waits of other kinds (I8): reviews never crowd out quiet hours.
//   W2. Waits of one kind that are over at the same moment go on in the order in which they came.

import { assert } from '../../lib/assert.ts';
import * as binary from '../../schemas/binary.ts';
import { Section, type Sections, type StateCodec } from '../../schemas/section.ts';

/** A kind of wait: what is kept of each, and how many there may be. */
export interface WaitKind<What> {
  /** Its name is the section's kind: unique among all waits, and never changed. */
  readonly what: StateCodec<What>;
  readonly max: number;
}

export interface Wait {
  /** The rule it belongs to. */
  readonly rule: string;
  /** When it is over by itself, ms; Infinity: an event or an answer ends it. */
  readonly due: number;
  readonly what: Section;
}

const waits: StateCodec<Wait[]> = {
  kind: 'waits',
  version: 1,
  ...binary.list(
    binary.record<Wait>({
      rule: binary.text,
      due: binary.timeOrNever,
      what: { write: (what: Section, out) => what.encode(out), read: Section.decode },
    }),
  ),
};

/** All that waits, in the order in which it came. */
export function waitsOf(sections: Sections): readonly Wait[] {
  return sections.open(waits) ?? [];
}

/** Those of one kind, with what they are. */
export function waitsOfKind<What>(
  sections: Sections,
  { what }: WaitKind<What>,
): readonly (Wait & { readonly value: What })[] {
  return waitsOf(sections).flatMap((wait) => {
    const value = wait.what.open(what);
    return value === undefined ? [] : [{ ...wait, value }];
  });
}

/** False when too many of its kind wait already (W1). */
export function addWait<What>(
  sections: Sections,
  { what, max }: WaitKind<What>,
  wait: { readonly rule: string; readonly due: number; readonly value: What },
): boolean {
  const all = waitsOf(sections);
  const ofKind = all.reduce((count, one) => count + (one.what.kind === what.kind ? 1 : 0), 0);
  assert(ofKind <= max, `at most ${max} of ${what.kind} wait (W1)`);
  if (ofKind === max) return false;
  assert(wait.due >= 0, 'a wait has a time, or none at all');
  sections.put(waits, [...all, { rule: wait.rule, due: wait.due, what: Section.of(what, wait.value) }]);
  return true;
}

/** Takes out those of one kind for which `isOver`, in the order in which they came. */
export function takeWaits<What>(
  sections: Sections,
  kind: WaitKind<What>,
  isOver: (wait: Wait & { readonly value: What }) => boolean,
): readonly (Wait & { readonly value: What })[] {
  const over = waitsOfKind(sections, kind).filter(isOver);
  if (over.length === 0) return over;
  const taken = new Set(over.map((wait) => wait.what));
  const left = waitsOf(sections).filter((wait) => !taken.has(wait.what));
  sections.put(waits, left.length === 0 ? null : left);
  return over;
}

/** When the first of them is over by itself, ms; Infinity: never. */
export function waitsDue(sections: Sections): number {
  let earliest = Infinity;
  for (const { due } of waitsOf(sections)) earliest = Math.min(earliest, due);
  return earliest;
}

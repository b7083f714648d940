// `exclusive`: a group of which the entity has one active flow at a time.
//
// Invariants:
//   E1. A flow that began and ended at t is active at t (docs/rules.md): a decision without waits takes a moment.
//   E2. What is remembered is bounded: by HOLDS_MAX, and HOLDS_MS; what is older is then refused (G2).

import Type from 'typebox';
import * as binary from '../../schemas/binary.ts';
import type { Sections, StateCodec } from '../../schemas/section.ts';
import { NAME_PATTERN } from '../language/parts.ts';
import { type Candidate, defineGate, REFUSED } from './gate.ts';

/** Exclusive groups taken lately that are remembered. */
const HOLDS_MAX = 64;
/** Arrival rules may meet events this much older than what is settled, and still be held against a group taken then. */
const HOLDS_MS = 3_600_000;

/** An exclusive group that was taken from `from` to `until`, both included. */
export interface GroupHold {
  readonly group: string;
  readonly rule: string;
  readonly from: number;
  readonly until: number;
}

export interface GroupHolds {
  readonly holds: readonly GroupHold[];
  /** Latest end of what is no longer in `holds`; -1: none. */
  readonly forgotten: number;
}

const parts = binary.record<{ holds: GroupHold[]; forgotten: number }>({
  holds: binary.list(
    binary.record({ group: binary.text, rule: binary.text, from: binary.integer, until: binary.integer }),
  ),
  forgotten: binary.integer,
});

export const groupHolds: StateCodec<GroupHolds> = {
  kind: 'exclusive',
  version: 1,
  write: ({ holds, forgotten }, out) => parts.write({ holds: [...holds], forgotten }, out),
  read: parts.read,
};

export const exclusiveGate = defineGate({
  name: 'exclusive',
  reason: 'exclusive',
  fields: {
    exclusive: Type.Optional(
      Type.String({
        pattern: NAME_PATTERN,
        description:
          'A group of which the entity has one active flow at a time; a decision without waits takes a moment.',
      }),
    ),
  },
  compile({ exclusive: group }) {
    if (group === undefined) return null;
    return {
      refusal: (candidate) => (isFree(candidate, group) ? null : REFUSED),
      fired: (candidate, settled) => take(candidate, group, settled),
      words({ sections, match }, refused) {
        if (!refused) return null;
        const hold = sections.open(groupHolds)?.holds.find((one) => one.group === group && one.until >= match.at);
        const by = hold === undefined ? '' : ` by ${hold.rule} until ${new Date(hold.until).toISOString()}`;
        return `the group ${group} is taken${by}`;
      },
    };
  },
});

function isFree({ sections, match }: Candidate, group: string): boolean {
  const known = sections.open(groupHolds);
  if (known === undefined) return true;
  if (match.at <= known.forgotten) return false;
  return !known.holds.some((one) => one.group === group && one.from <= match.at && match.at <= one.until);
}

function take({ sections, match, rule }: Candidate, group: string, settled: number): void {
  const { at } = match;
  const before = sections.open(groupHolds) ?? { holds: [], forgotten: -1 };
  hold(sections, [...before.holds, { group, rule: rule.id, from: at, until: at }], before.forgotten, settled);
}

function hold(sections: Sections, all: readonly GroupHold[], forgottenBefore: number, settled: number): void {
  let forgotten = forgottenBefore;
  const surplus = all.length - HOLDS_MAX;
  const holds = all.filter(({ until }, i) => {
    const keep = until > settled - HOLDS_MS && i >= surplus;
    if (!keep) forgotten = Math.max(forgotten, until);
    return keep;
  });
  sections.put(groupHolds, { holds, forgotten });
}

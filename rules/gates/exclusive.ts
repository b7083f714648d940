// `exclusive`: a group of which the entity has one active flow at a time.
//
// Invariants:
//   E1. A flow holds its group from the match, which is active at its own moment, until it ends: one that began and ended at t is
//       active at t, one that ended later is not active at its end.
//   E2. What is remembered is bounded: by HOLDS_MAX, and HOLDS_MS; what is older is then refused (G2). What is held still stays.

import Type, { type Static } from 'typebox';
import * as binary from '../../schemas/binary.ts';
import type { Sections, StateCodec } from '../../schemas/section.ts';
import { fields, type Loose, NAME_PATTERN } from '../language/parts.ts';
import { type Candidate, defineGate, type GateTools, REFUSED } from './gate.ts';

/** Exclusive groups taken lately that are remembered, beside those that flows hold. */
const HOLDS_MAX = 64;
/** Arrival rules may meet events this much older than what is settled, and still be held against a group taken then. */
const HOLDS_MS = 3_600_000;

/** An exclusive group that was taken at `from`, and let go at `until`; Infinity: it is held. */
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
    binary.record({ group: binary.text, rule: binary.text, from: binary.integer, until: binary.timeOrNever }),
  ),
  forgotten: binary.integer,
});

export const groupHolds: StateCodec<GroupHolds> = {
  kind: 'exclusive',
  version: 1,
  write: ({ holds, forgotten }, out) => parts.write({ holds: [...holds], forgotten }, out),
  read: parts.read,
};

const group = Type.String({
  pattern: NAME_PATTERN,
  description: 'A group of which the entity has one active flow at a time; a decision without waits takes a moment.',
});

const Exclusive = Type.Union(
  [
    group,
    fields({
      group,
      preempt: Type.Optional(
        Type.Boolean({ description: 'A rule of higher priority ends the flow that holds the group. Default false.' }),
      ),
    }),
  ],
  { description: 'A group of which the entity has one active flow at a time.' },
);

type ExclusiveBody = Loose<Static<typeof Exclusive>>;

export const exclusiveGate = defineGate({
  name: 'exclusive',
  reason: 'exclusive',
  fields: { exclusive: Type.Optional(Exclusive) },
  compile({ exclusive }, { flow }) {
    const own = exclusiveOf(exclusive);
    if (own === null) return null;
    return {
      refusal: (candidate) => (isFree(candidate, own, flow) ? null : REFUSED),
      fired: (candidate, settled) => take(candidate, own.group, settled),
      words({ sections, match }, refused) {
        if (!refused) return null;
        const hold = sections.open(groupHolds)?.holds.find((one) => isTaken(one, own.group, match.at, flow.waits));
        const until = hold?.until === Infinity ? 'until its flow ends' : `until ${isoOf(hold?.until ?? 0)}`;
        return `the group ${own.group} is taken${hold === undefined ? '' : ` by ${hold.rule} ${until}`}`;
      },
    };
  },
});

export interface ExclusiveGroup {
  readonly group: string;
  readonly preempts: boolean;
}

/** Null: the rule has none. */
export function exclusiveOf(body: ExclusiveBody | undefined): ExclusiveGroup | null {
  if (body === undefined) return null;
  if (typeof body === 'string') return { group: body, preempts: false };
  return body.group === undefined ? null : { group: body.group, preempts: body.preempt ?? false };
}

function isFree(
  { sections, match, rule, by, flows }: Candidate,
  { group, preempts }: ExclusiveGroup,
  { waits, reentry }: GateTools['flow'],
): boolean {
  const known = sections.open(groupHolds);
  if (known === undefined) return true;
  if (match.at <= known.forgotten) return false;
  // A flow that the match would restart is no obstacle to it.
  const restarts = ({ rule: other, from, until }: GroupHold): boolean =>
    reentry === 'restart' && until === Infinity && other === rule.id && flows.began(rule.id, by, from);
  const conflicts = known.holds.filter((one) => isTaken(one, group, match.at, waits) && !restarts(one));
  if (!preempts) return conflicts.length === 0;
  // What has ended later than the match cannot be ended again, and what began later not before it began.
  return conflicts.every(
    ({ from, until, rule: other }) =>
      from <= match.at && until === Infinity && (flows.priorityOf(other) ?? 0) < rule.priority,
  );
}

/** Whether it is active at `at`; or, beside a flow that begins at `at` and `lasts`, at a time after it. */
function isTaken(hold: GroupHold, group: string, at: number, lasts: boolean): boolean {
  if (hold.group !== group) return false;
  if (hold.from > at) return lasts;
  return hold.until === hold.from ? hold.from === at : at < hold.until;
}

function take({ sections, match, rule }: Candidate, group: string, settled: number): void {
  const { at } = match;
  const before = sections.open(groupHolds) ?? { holds: [], forgotten: -1 };
  hold(sections, [...before.holds, { group, rule: rule.id, from: at, until: at }], before.forgotten, settled);
}

/** The flow that a decision of the rule at `from` began holds its groups until then; Infinity: until it ends. */
export function holdUntil(sections: Sections, rule: string, from: number, until: number): void {
  const known = sections.open(groupHolds);
  if (known === undefined) return;
  const holds = known.holds.map((one) => (one.rule === rule && one.from === from ? { ...one, until } : one));
  sections.put(groupHolds, { ...known, holds });
}

/** The rules whose flows hold the group, and did at `at`. */
export function holdersOf(sections: Sections, group: string, at = Infinity): readonly string[] {
  const holds = sections.open(groupHolds)?.holds ?? [];
  return holds.filter((one) => one.group === group && one.from <= at && one.until === Infinity).map(({ rule }) => rule);
}

function hold(sections: Sections, all: readonly GroupHold[], forgottenBefore: number, settled: number): void {
  let forgotten = forgottenBefore;
  let surplus = all.filter(({ until }) => until !== Infinity).length - HOLDS_MAX;
  const holds = all.filter(({ until }) => {
    const keep = until === Infinity || (surplus-- <= 0 && until > settled - HOLDS_MS);
    if (!keep) forgotten = Math.max(forgotten, until);
    return keep;
  });
  sections.put(groupHolds, { holds, forgotten });
}

function isoOf(time: number): string {
  return new Date(time).toISOString();
}

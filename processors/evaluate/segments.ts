// Segments: which of them an entity belongs to, kept so that entry and exit can be told.
//
// Owns: membership, and when time alone may change it. Does not own: the conditions (rules/project/segments.ts), what is done
// about a change (evaluate.ts). inSegment() asks the condition itself and needs no membership.
//
// Invariants:
//   M1. Membership is looked at when something changes that the condition reads, and at the moment at which time alone
//       may change it: the end of a window that an event falls out of, or the next full day of daysSince().
//   M2. It never goes back in time: what arrives behind the last look counts as of that look.
//   M3. An entity is first looked at with the first event that a segment of its type reads.

import type { Needs } from '../../rules/expressions/needs.ts';
import type { ExpressionFailed } from '../../rules/expressions/scope.ts';
import type { Lane } from '../../rules/patterns/pattern.ts';
import type { CompiledSegment } from '../../rules/project/segments.ts';
import type { Event } from '../../schemas/event.ts';
import type { EntityDocument } from '../../state/entity/document.ts';
import { membership, type SegmentLane } from '../../state/entity/membership.ts';
import { isInstantFact } from './facts.ts';
import type { EntityScope } from './scope.ts';

export interface SegmentChange {
  readonly change: 'enters' | 'leaves';
  readonly segment: string;
  readonly at: number;
}

/** Whether a segment's condition may read what this event brought. */
export function concernsSegments(segments: readonly CompiledSegment[], event: Event): boolean {
  return segments.some(({ needs }) => readsEvent(needs, event));
}

function readsEvent(needs: Needs, event: Event): boolean {
  if (needs.history.has(event.event)) return true;
  if (event.type === 'identify') return needs.profile;
  if (event.type === 'group') return needs.account;
  return isInstantFact(event);
}

/** When time alone may change the membership of this lane; Infinity: never, as far as is known. */
export function segmentsChangeAt(document: EntityDocument, lane: Lane): number {
  return laneOf(document, lane)?.changesAt ?? Infinity;
}

/** Looks at all segments of the entity as of `now`, and tells what changed, exits first. The scope is of the lane, and new. */
export function lookAtSegments(
  document: EntityDocument,
  segments: readonly CompiledSegment[],
  lane: Lane,
  now: number,
  scope: EntityScope,
  failed: (segment: string) => ExpressionFailed,
): readonly SegmentChange[] {
  const before = laneOf(document, lane);
  const at = Math.max(now, before?.evaluatedAt ?? 0);
  scope.now = at;
  const left: SegmentChange[] = [];
  const entered: SegmentChange[] = [];
  const members: SegmentLane['members'][number][] = [];
  for (const { id, condition } of segments) {
    const was = before?.members.find((member) => member.segment === id);
    if (condition.holds(scope, failed(id))) {
      members.push(was ?? { segment: id, since: at });
      if (was === undefined) entered.push({ change: 'enters', segment: id, at });
    } else if (was !== undefined) left.push({ change: 'leaves', segment: id, at });
  }
  keepLane(document, { lane, evaluatedAt: at, changesAt: scope.nextChange, members });
  return [...left, ...entered];
}

/** To be called when a message was sent at `at`: segments that ask for sent() are looked at right after it. */
export function sendsChanged({ sections }: EntityDocument, segments: readonly CompiledSegment[], at: number): void {
  if (!segments.some(({ needs }) => needs.sentMs > 0)) return;
  const lanes = sections.open(membership) ?? [];
  for (const lane of lanes) lane.changesAt = Math.min(lane.changesAt, Math.max(at, lane.evaluatedAt) + 1);
  if (lanes.length > 0) sections.put(membership, lanes);
}

function laneOf({ sections }: EntityDocument, lane: Lane): SegmentLane | undefined {
  return sections.open(membership)?.find((one) => one.lane === lane);
}

function keepLane({ sections }: EntityDocument, lane: SegmentLane): void {
  const others = (sections.open(membership) ?? []).filter((one) => one.lane !== lane.lane);
  sections.put(membership, [...others, lane]);
}

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

import type { ExpressionFailed, Lane, RuleSet } from '../../rules/api.ts';
import type { Needs } from '../../rules/expressions/needs.ts';
import type { CompiledSegment } from '../../rules/project/surroundings.ts';
import type { Event } from '../../schemas/event.ts';
import type { SegmentLane } from '../../state/entity/context.ts';
import { contextOf, type EntityDocument } from '../../state/entity/document.ts';
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

/** Looks at all segments of the entity as of `now`, and tells what changed, exits first. */
export function lookAtSegments(
  document: EntityDocument,
  segments: readonly CompiledSegment[],
  lane: Lane,
  now: number,
  scope: EntityScope,
  rules: RuleSet,
  failed: (segment: string) => ExpressionFailed,
): readonly SegmentChange[] {
  const before = laneOf(document, lane);
  const at = Math.max(now, before?.evaluatedAt ?? 0);
  scope.enter(document, lane === 'arrival', rules);
  scope.event = null;
  scope.captures = {};
  scope.session = null;
  scope.now = at;
  scope.nextChange = Infinity;
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
  keepLane(document, before, { lane, evaluatedAt: at, changesAt: scope.nextChange, members });
  return [...left, ...entered];
}

/** To be called when a message was sent at `at`: segments that ask for sent() are looked at right after it. */
export function sendsChanged(document: EntityDocument, segments: readonly CompiledSegment[], at: number): void {
  if (!segments.some(({ needs }) => needs.sentMs > 0)) return;
  for (const lane of document.context?.segments ?? []) {
    lane.changesAt = Math.min(lane.changesAt, Math.max(at, lane.evaluatedAt) + 1);
  }
}

function laneOf(document: EntityDocument, lane: Lane): SegmentLane | undefined {
  return document.context?.segments.find((one) => one.lane === lane);
}

function keepLane(document: EntityDocument, before: SegmentLane | undefined, after: SegmentLane): void {
  if (before !== undefined) {
    Object.assign(before, after);
    return;
  }
  const context = contextOf(document);
  context.segments = [...context.segments, after];
}

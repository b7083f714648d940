// The end of a flow: what is let go, told and cancelled.
//
// Invariants:
//   E1. What was written and not yet sent is cancelled where the flow was cut short, not where it came to its own end.

import type { EndReason, Flow } from '../../../rules/flows/flow.ts';
import { holdUntil } from '../../../rules/gates/exclusive.ts';
import { forgetRoutesOf } from '../fallback.ts';
import type { Visit } from '../visit.ts';
import { recordOf } from './records.ts';

const OWN_ENDS: ReadonlySet<EndReason> = new Set(['completed', 'exit']);

/** Ends it, at event time `at`, ms. The caller keeps the list. `by`: who said so, where somebody did. */
export function endFlow(visit: Visit, flow: Flow, reason: EndReason, at: number, by?: string): void {
  const { sections } = visit.document;
  flow.endedAt = at;
  // Without a window, the goal is looked for while the flow lives.
  if (flow.goalUntil === Infinity || flow.goalUntil < at) flow.goalUntil = -1;
  holdUntil(sections, flow.rule, flow.startedAt, at);
  visit.output.flow(recordOf(flow, visit.entity, { at, kind: 'ended', reason, ...(by !== undefined && { by }) }));
  if (OWN_ENDS.has(reason)) return;
  forgetRoutesOf(visit, flow.id);
  if (flow.hasSent) visit.output.cancelled(visit.entity, flow.id, at);
}

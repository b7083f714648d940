// Flows that somebody cancels.
//
// Invariants:
//   C1. It counts from the moment it is read, whatever is still to be put in order: nothing of the flow is done after it.
//   C2. The flow ends at the event time up to which everything of its entity has been done, however far that lies behind the clock
//       by which it was cancelled: it has done all that was due by then, and matches after that find it ended.

import { isAlive } from '../../../rules/flows/flow.ts';
import type { Command } from '../../../schemas/commands.ts';
import type { Event } from '../../../schemas/event.ts';
import { COMMAND_EVENT } from '../../../schemas/internal-events.ts';
import type { Visit } from '../visit.ts';
import { endFlow } from './end.ts';
import { flowsOf, keepFlows } from './known.ts';

/** `event`: any fact about the entity. */
export function cancellationCame(visit: Visit, { event: name, properties }: Event): void {
  if (name !== COMMAND_EVENT) return;
  // As it was read: known-facts.ts lets nothing else through.
  const command = properties as unknown as Command;
  if (command.kind !== 'flow-cancel') return;
  const { sections } = visit.document;
  const flows = flowsOf(sections);
  const flow = flows.find((each) => isAlive(each) && each.rule === command.rule && each.id === command.flow);
  if (flow === undefined) return;
  endFlow(visit, flow, 'cancelled', Math.max(visit.settledTime(), flow.since), command.by);
  keepFlows(sections, flows);
}

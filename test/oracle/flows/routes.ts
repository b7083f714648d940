// What came of a message: one that failed is taken up by the next channel of its route.
//
// Invariants:
//   R1. Outcomes count when they are read, at their own time: what happened at a provider waits for no order.
//   R2. The route ends with the flow, but for one that went through to its end: what it wrote last still wants to arrive.

import type { OracleEvent } from '../rule.ts';
import { allowed, send } from './sends.ts';
import { quietEnd, record } from './steps.ts';
import type { Entity, World } from './world.ts';

const PASSED_ON = ['consent', 'no-address', 'suppressed', 'channel-disabled'];

export function outcomeHasCome(world: World, entity: Entity, event: OracleEvent): void {
  const [, channel, outcome] = /^(.+)_(failed|skipped)$/.exec(event.event) ?? [];
  const id = event.properties['action'];
  if (channel === undefined || typeof id !== 'string') return;
  const route = entity.routes.get(id);
  if (route === undefined || route.action.channel !== channel) return;
  const { action, flow } = route;
  if (outcome === 'skipped' && !PASSED_ON.includes(String(event.properties['reason']))) return;
  entity.routes.delete(id);
  if (flow.ended !== null && flow.ended.reason !== 'completed' && flow.ended.reason !== 'exit') return;
  const moment = { entity, at: event.time, lane: 'arrival' as const };
  const { rule, program } = flow.version;
  if (quietEnd(moment, rule.quietHours) !== null)
    throw new Error('the oracle does not model a fallback in quiet hours');
  const step = program[action.step];
  const details = step === undefined ? {} : { step };
  const { channels, reason } = allowed(world, moment, rule.category ?? null, action.fallback);
  if (action.fallback.length === 0 || reason !== null) {
    record(moment, flow, 'skipped', {
      ...details,
      reason: reason === null || action.fallback.length === 0 ? 'failed' : reason,
    });
    return;
  }
  const { template, data, attempt } = action;
  const next = send(world, moment, flow, { channels, template, data, step: action.step, attempt: attempt + 1 });
  record(moment, flow, 'sent', { ...details, action: next.id });
}

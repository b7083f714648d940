// The gates, in the order in which they are asked: the first that says no is the reason of the decision.

import { audienceGate } from './audience.ts';
import { capGate } from './cap.ts';
import { conditionGate } from './condition.ts';
import { consentGate } from './consent.ts';
import { cooldownGate } from './cooldown.ts';
import { enabledGate } from './enabled.ts';
import { exclusiveGate } from './exclusive.ts';
import type { AnyGate, GateDefinition, GateTools } from './gate.ts';
import { globalHoldoutGate } from './global-holdout.ts';
import { holdoutGate } from './holdout.ts';
import { inFlowGate, tooManyFlowsGate } from './in-flow.ts';
import { limitGate } from './limit.ts';
import { quietHoursGate } from './quiet-hours.ts';
import { reachGate } from './reach.ts';
import { reviewGate } from './review.ts';
import { staleGate } from './stale.ts';
import { suppressedGate } from './suppressed.ts';

export const GATES: readonly GateDefinition[] = [
  enabledGate,
  audienceGate,
  globalHoldoutGate,
  holdoutGate,
  conditionGate,
  cooldownGate,
  inFlowGate,
  tooManyFlowsGate,
  exclusiveGate,
  limitGate,
  staleGate,
  capGate,
  consentGate,
  suppressedGate,
  reachGate,
  quietHoursGate,
  reviewGate,
];

/** Of candidates that waited: a person said no, or their goal was reached or they were stopped before they fired. */
const ENDED_REASONS = ['rejected', 'goal', 'stopped'];

/** Why a candidate may not fire. */
export const REASONS: readonly string[] = [...GATES.map(({ reason }) => reason), ...ENDED_REASONS];

/** Of gates that are asked before those about flows. */
export const BEFORE_FLOWS: ReadonlySet<string> = new Set(
  GATES.slice(0, GATES.indexOf(inFlowGate)).map(({ reason }) => reason),
);

/** Those that a condition gives. */
export const CONDITION_REASONS: ReadonlySet<string> = new Set(
  GATES.filter(({ asksCondition }) => asksCondition).map(({ reason }) => reason),
);

/** The gates that a rule asks, in order. Mistakes go to the tools. */
export function compileGates(body: object, tools: GateTools): readonly AnyGate[] {
  return GATES.flatMap(({ reason, compile }) => {
    const gate = compile(body, tools);
    return gate === null ? [] : [{ ...gate, reason } as AnyGate];
  });
}

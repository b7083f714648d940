// Sends whose turn has come: whom they reach, their routes, asked of the channel gates.

import type { ExpressionFailed, Scope } from '../../rules/expressions/scope.ts';
import type { CompiledSend } from '../../rules/flows/send.ts';
import { saidOf } from '../../rules/gates/consent.ts';
import { type AnyGate, type GateContext, isChannelGate, type Recipient, type Sending } from '../../rules/gates/gate.ts';
import { Route } from '../../rules/gates/route.ts';
import { autoChannels } from '../../rules/gates/routing.ts';
import type { CompiledRule } from '../../rules/project/compiled-rule.ts';
import type { RuleContext } from '../../rules/project/context.ts';
import { devicesOf } from '../../state/entity/devices.ts';
import type { EntityDocument } from '../../state/entity/document.ts';
import { wishesOf } from '../../state/entity/facts.ts';

/** Whoever a rule may send to: what its gates ask about. */
export function recipientOf(
  rule: CompiledRule,
  { sections }: Pick<EntityDocument, 'sections'>,
  around: RuleContext,
  scope: Scope,
  failed: ExpressionFailed,
): Recipient {
  return {
    rule,
    sections,
    scope,
    failed,
    around,
    said: saidOf(wishesOf(sections), around.doubleOptIn),
    devices: () => devicesOf(sections).length,
  };
}

export function routeOf(send: CompiledSend, recipient: Recipient): Route<CompiledSend> {
  return new Route(send, send.isAuto ? autoChannels(recipient) : send.channels);
}

/** Asks the channel gates of the route's channels. */
export function settleRoute(route: Route, gates: readonly AnyGate[], sending: Sending): void {
  for (const gate of gates) {
    if (!isChannelGate(gate) || gate.isAsked?.(sending) === false) continue;
    route.keep((channel) => gate.allows(sending, channel), gate.reason);
  }
}

/** How long decisions and messages of the rule are good, ms; Infinity: for ever. */
export function validForMsOf({ validForMs, urgency }: CompiledRule, around: GateContext): number {
  return validForMs ?? around.validForMs?.[urgency] ?? Number.POSITIVE_INFINITY;
}

/** Until when the rule sends nothing, ms; null: it may send at `at`. */
export function quietUntil(gates: readonly AnyGate[], at: number, scope: Scope): number | null {
  for (const gate of gates) {
    const until = isChannelGate(gate) ? null : (gate.quietUntil?.(at, scope) ?? null);
    if (until !== null) return until;
  }
  return null;
}

/** Notes with the gates that a message goes out on this channel. */
export function noteSent(gates: readonly AnyGate[], sending: Sending, channel: string): void {
  for (const gate of gates) if (isChannelGate(gate)) gate.sent?.(sending, channel);
}

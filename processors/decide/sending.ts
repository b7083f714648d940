// Sends whose turn has come: their routes, asked of the channel gates one after the other.
//
// Invariants:
//   S1. A send knows what those before it send at the same time (gates, G3): no cap is exceeded by one decision.

import type { ExpressionFailed, Scope } from '../../rules/expressions/scope.ts';
import type { CompiledSend } from '../../rules/flows/send.ts';
import { saidOf } from '../../rules/gates/consent.ts';
import { type AnyGate, isChannelGate, type Recipient, type Sending } from '../../rules/gates/gate.ts';
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
function settleRoute(route: Route, gates: readonly AnyGate[], sending: Sending): void {
  for (const gate of gates) {
    if (!isChannelGate(gate) || gate.isAsked?.(sending) === false) continue;
    route.keep((channel) => gate.allows(sending, channel), gate.reason);
  }
}

/** Asks the channel gates of one route after the other. */
export function settleRoutes(
  routes: readonly Route[],
  gates: readonly AnyGate[],
  recipient: Recipient,
  at: number,
): void {
  const before: string[] = [];
  for (const route of routes) {
    settleRoute(route, gates, { ...recipient, at, before });
    const [channel] = route.channels;
    if (channel !== undefined) before.push(channel);
  }
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

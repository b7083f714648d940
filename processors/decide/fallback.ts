// The rest of a route: when a message was not delivered on its channel, the next one takes over.
//
// Owns: which messages may have to go on, and their going on. Does not own: trying again on the same channel
// (connectors/channels/delivery).
//
// Invariants:
//   F1. The next channel is asked for like the first: consent, suppression, reach, caps and quiet hours as they are then.
//   F2. Each outcome takes the next channel at most once: the wait is taken out with it.
//   F3. A route that is used up says so: a record of why nothing more comes.

import { Route } from '../../rules/gates/route.ts';
import type { CompiledRule } from '../../rules/project/compiled-rule.ts';
import type { Action } from '../../schemas/action.ts';
import * as binary from '../../schemas/binary.ts';
import type { FlowRecord } from '../../schemas/flow-record.ts';
import type { Json, JsonObject } from '../../schemas/json.ts';
import { addWait, takeWaits, type WaitKind } from '../../state/entity/waits.ts';
import { actionId, devicesFor } from './actions.ts';
import { noteSent, quietUntil, recipientOf, settleRoute } from './sending.ts';
import type { Visit } from './visit.ts';

const DAY_MS = 86_400_000;
/** No outcome comes later: retries end after less. */
const OUTCOME_MS_MAX = 7 * DAY_MS;
/** Of one entity; beyond it a message has its first channel only. */
const WAITING_MAX = 64;

const action: binary.Binary<Action> = {
  write: (value, out) => binary.json.write(value as unknown as Json, out),
  read: (input) => binary.json.read(input) as unknown as Action,
};

/** A message that has further channels, until it is known what came of it. */
export const deliveryWait: WaitKind<Action> = {
  what: { kind: 'delivery', version: 1, ...action },
  max: WAITING_MAX,
};

/** A message whose next channel is quiet until then. */
export const quietFallback: WaitKind<Action> = {
  what: { kind: 'delivery-quiet', version: 1, ...action },
  max: WAITING_MAX,
};

/** The reasons for which a message was skipped that another channel may make good. */
const ROUTE_GOES_ON = new Set(['consent', 'suppressed', 'no-address', 'channel-disabled']);

export interface DeliveryOutcomeOf {
  /** Null: the newest message of the channel, as tests tell outcomes. */
  readonly action: string | null;
  readonly channel: string;
  readonly outcome: string;
  readonly reason: string | null;
}

/** Keeps the action while its route has further channels. */
export function keepRoute({ document, output }: Visit, rule: CompiledRule, sent: Action): void {
  if (sent.fallback.length === 0) return;
  const due = Math.min(sent.validUntil ?? Number.POSITIVE_INFINITY, sent.at + OUTCOME_MS_MAX);
  if (!addWait(document.sections, deliveryWait, { rule: rule.id, due, value: sent })) output.dropped(rule, 'waiting');
}

/** What came of a message, at `at`. */
export function routeGoesOn(visit: Visit, told: DeliveryOutcomeOf, at: number): void {
  const goesOn = told.outcome === 'failed' || (told.outcome === 'skipped' && ROUTE_GOES_ON.has(told.reason ?? ''));
  const isOver = goesOn || told.outcome === 'delivered' || told.outcome === 'skipped';
  if (!isOver) return;
  const { sections } = visit.document;
  const newest = told.action ?? newestOf(visit, told.channel);
  const [wait] = takeWaits(
    sections,
    deliveryWait,
    ({ value }) => value.id === newest && value.channel === told.channel,
  );
  if (wait !== undefined && goesOn) takeNext(visit, wait.value, at);
}

/** Messages whose quiet hours have ended by `at` go on. */
export function quietRoutesGoOn(visit: Visit, at: number): void {
  for (const { due, value } of takeWaits(visit.document.sections, quietFallback, (wait) => wait.due <= at)) {
    takeNext(visit, value, due);
  }
}

/** What was written of the flow is not to go on. */
export function forgetRoutesOf({ document: { sections } }: Visit, flow: string): void {
  for (const kind of [deliveryWait, quietFallback]) takeWaits(sections, kind, ({ value }) => value.flow === flow);
}

/** Waits whose outcome never came are let go. */
export function forgetRoutes({ document }: Visit, at: number): void {
  takeWaits(document.sections, deliveryWait, ({ due }) => due <= at);
}

function newestOf({ document }: Visit, channel: string): string | null {
  let newest: string | null = null;
  // In the order in which they came: the last one stays.
  takeWaits(document.sections, deliveryWait, ({ value }) => {
    if (value.channel === channel) newest = value.id;
    return false;
  });
  return newest;
}

function takeNext(visit: Visit, before: Action, at: number): void {
  const { document, rules, output } = visit;
  const rule = rules.rule(before.rule);
  // A rule that is gone sends nothing more.
  if (rule === undefined) return;
  const scope = visit.scopeOf(rule.lane);
  scope.now = at;
  const recipient = recipientOf(rule, document, rules.context, scope, (source, error) =>
    output.failed(rule, source, error),
  );
  const route = new Route({ step: before.step, channels: before.fallback });
  settleRoute(route, rule.gates, { ...recipient, at, before: [] });
  const [channel, ...fallback] = route.channels;
  if (channel === undefined) {
    const reason = route.refusedBy ?? 'failed';
    output.routeEnded(before, reason);
    output.flow(routeRecord(rule, before, { at, kind: 'skipped', reason }));
    return;
  }
  const until = quietUntil(rule.gates, at, scope);
  if (until !== null) {
    const waiting = { rule: rule.id, due: until, value: before };
    if (addWait(document.sections, quietFallback, waiting)) return;
    output.dropped(rule, 'waiting');
  }
  const attempt = before.attempt + 1;
  const next: Action = {
    ...before,
    id: actionId(before.decision, before.step, attempt),
    at,
    channel,
    fallback,
    attempt,
    devices: devicesFor(channel, document.sections, rules.context),
    context: { ...before.context, profile: scope.profile as JsonObject },
  };
  noteSent(rule.gates, { ...recipient, at, before: [] }, channel);
  output.action(next, null);
  if (before.flow !== null) output.flow(routeRecord(rule, next, { at, kind: 'sent', reason: null }));
  keepRoute(visit, rule, next);
  visit.sent(at);
}

/** That the flow goes on, or not, on another channel. */
function routeRecord(
  { program }: CompiledRule,
  { decision, rule, ruleVersion, entity, step, variant, id }: Action,
  told: Pick<FlowRecord, 'at' | 'kind' | 'reason'>,
): FlowRecord {
  const name = program.steps[step]?.name ?? null;
  return {
    flow: decision,
    rule,
    ruleVersion,
    entity,
    step,
    name,
    variant,
    until: null,
    action: id,
    by: null,
    note: null,
    ...told,
  };
}

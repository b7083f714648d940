// The rest of a route: when a message was not delivered on its channel, the next one takes over.
//
// Owns: which messages may have to go on, and their going on. Does not own: trying again on the same channel
// (connectors/channels/delivery).
//
// Invariants:
//   F1. The next channel is asked for like the first: consent, suppression, reach, caps and quiet hours as they are then.
//   F2. Each outcome takes the next channel at most once: the wait is taken out with it.
//   F3. A route that is used up says so. Where one of its messages had failed it leaves a dead letter, and one alone: of the last
//       that failed. Of a message that failed on its last channel the connector makes it.

import { Route } from '../../rules/gates/route.ts';
import type { CompiledRule } from '../../rules/project/compiled-rule.ts';
import type { Action } from '../../schemas/action.ts';
import * as binary from '../../schemas/binary.ts';
import type { FlowRecord } from '../../schemas/flow-record.ts';
import type { Json, JsonObject } from '../../schemas/json.ts';
import { addWait, takeWaits, type WaitKind } from '../../state/entity/waits.ts';
import { actionId, devicesFor } from './actions.ts';
import { noteSent, quietUntil, recipientOf, settleRoute } from './sending.ts';
import type { DecisionTrace, Visit } from './visit.ts';

const DAY_MS = 86_400_000;
/** No outcome comes later: retries end after less. */
const OUTCOME_MS_MAX = 7 * DAY_MS;
/** A message is given up when it is no longer valid, and what is written of it then has a way to go. */
const OUTCOME_LATE_MS = 3_600_000;
/** Of one entity; beyond it a message has its first channel only. */
const WAITING_MAX = 64;

/** A message, and what tells the last one of its route that failed from it; left out: none did. */
interface OnTheWay extends Action {
  readonly failed?: Failed;
}

type Failed = Pick<Action, 'id' | 'at' | 'channel' | 'attempt'>;

const onTheWay: binary.Binary<OnTheWay> = {
  write: (value, out) => binary.json.write(value as unknown as Json, out),
  read: (input) => binary.json.read(input) as unknown as OnTheWay,
};

/** A message that has further channels, or whose route has failed before, until it is known what came of it. */
export const deliveryWait: WaitKind<OnTheWay> = {
  what: { kind: 'delivery', version: 1, ...onTheWay },
  max: WAITING_MAX,
};

/** A message whose next channel is quiet until then. */
export const quietFallback: WaitKind<OnTheWay> = {
  what: { kind: 'delivery-quiet', version: 1, ...onTheWay },
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

/**
 * Sends the action, and keeps it while its route has further channels. Where no more may be kept it has its first channel only, and
 * says so.
 */
export function sendOnRoute(visit: Visit, rule: CompiledRule, action: Action, trace: DecisionTrace | null): void {
  visit.output.action(keepRoute(visit, rule, action), trace);
}

/** `failed`: the last message of its route that failed. */
function keepRoute({ document, output }: Visit, rule: CompiledRule, sent: Action, failed?: Failed): Action {
  if (sent.fallback.length === 0 && failed === undefined) return sent;
  const { validUntil, at } = sent;
  const due = Math.min((validUntil ?? Number.POSITIVE_INFINITY) + OUTCOME_LATE_MS, at + OUTCOME_MS_MAX);
  const value = failed === undefined ? sent : { ...sent, failed };
  if (addWait(document.sections, deliveryWait, { rule: rule.id, due, value })) return sent;
  output.dropped(rule, 'waiting');
  return { ...sent, fallback: [] };
}

/** What came of a message, at `at`. */
export function routeGoesOn(visit: Visit, told: DeliveryOutcomeOf, at: number): void {
  const { outcome } = told;
  if (outcome !== 'failed' && outcome !== 'skipped' && outcome !== 'delivered') return;
  const newest = told.action ?? newestOf(visit, told.channel);
  const [wait] = takeWaits(
    visit.document.sections,
    deliveryWait,
    ({ value }) => value.id === newest && value.channel === told.channel,
  );
  if (wait === undefined || outcome === 'delivered') return;
  const { failed: failedBefore, ...action } = wait.value;
  const isUsedUp = action.fallback.length === 0;
  if (outcome === 'failed') {
    if (!isUsedUp) takeNext(visit, action, action, at);
  } else if (ROUTE_GOES_ON.has(told.reason ?? '')) {
    if (isUsedUp) endRoute(visit, action, failedBefore, told.reason!, at);
    else takeNext(visit, action, failedBefore, at);
  }
}

/** Messages whose quiet hours have ended by `at` go on. */
export function quietRoutesGoOn(visit: Visit, at: number): void {
  for (const { due, value } of takeWaits(visit.document.sections, quietFallback, (wait) => wait.due <= at)) {
    const { failed, ...action } = value;
    takeNext(visit, action, failed, due);
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

function takeNext(visit: Visit, before: Action, failed: Failed | undefined, at: number): void {
  const { document, rules, output } = visit;
  const rule = rules.rule(before.rule);
  // A rule that is gone sends nothing more.
  if (rule === undefined) {
    endRoute(visit, before, failed, 'rule-gone', at);
    return;
  }
  if (before.validUntil !== null && at > before.validUntil) {
    endRoute(visit, before, failed, 'expired', at);
    return;
  }
  const scope = visit.scopeOf(rule.lane);
  scope.now = at;
  const recipient = recipientOf(rule, document, rules.context, scope, (source, error) =>
    output.failed(rule, source, error),
  );
  const route = new Route({ step: before.step, channels: before.fallback });
  settleRoute(route, rule.gates, { ...recipient, at, before: [] });
  const [channel, ...fallback] = route.channels;
  if (channel === undefined) {
    endRoute(visit, before, failed, route.refusedBy!, at);
    return;
  }
  const until = quietUntil(rule.gates, at, scope);
  if (until !== null) {
    const value = failed === undefined ? before : { ...before, failed: refOf(failed) };
    if (addWait(document.sections, quietFallback, { rule: rule.id, due: until, value })) return;
    output.dropped(rule, 'waiting');
    endRoute(visit, before, failed, 'quiet-hours', at);
    return;
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
  output.action(keepRoute(visit, rule, next, failed && refOf(failed)), null);
  if (before.flow !== null) output.flow(routeRecord(visit, next, { at, kind: 'sent', reason: null }));
  visit.sent(at);
}

/** F3. What is sent again of it goes to the channel that failed, and no further. */
function endRoute(visit: Visit, last: Action, failed: Failed | undefined, reason: string, at: number): void {
  const { document, rules, output } = visit;
  const undelivered = failed && {
    ...last,
    ...refOf(failed),
    fallback: [],
    devices: devicesFor(failed.channel, document.sections, rules.context),
  };
  output.routeEnded(last, reason, undelivered ?? null);
  output.flow(routeRecord(visit, last, { at, kind: 'skipped', reason }));
}

/** That what was sent goes on, or not, on another channel. */
function routeRecord(
  { rules }: Visit,
  { decision, rule, ruleVersion, entity, step, variant, id }: Action,
  told: Pick<FlowRecord, 'at' | 'kind' | 'reason'>,
): FlowRecord {
  const name = rules.rule(rule)?.program.steps[step]?.name ?? null;
  const about = { flow: decision, rule, ruleVersion, entity, step, name, variant };
  return { ...about, until: null, action: id, by: null, note: null, ...told };
}

function refOf({ id, at, channel, attempt }: Failed): Failed {
  return { id, at, channel, attempt };
}

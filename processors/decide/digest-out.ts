// Digests whose window has ended go out: one message each, by a decision of its own.
//
// Owns: that decision. Does not own: gathering (digest.ts), what gates ask (rules/gates).
//
// Invariants:
//   O1. Asked when it goes out, and as of then: whether the rule is enabled, caps, consent, suppression, reach, quiet hours. A cap
//       counts the message, not its items. What was asked of each match is not asked again.
//   O2. Each digest that gathered something leaves a decision: fired, suppressed with its reason, or deferred until quiet hours end;
//       meanwhile it goes on gathering.
//   O3. What is stamped with the end of a window still belongs to it: it is decided on before.

import { hash } from 'node:crypto';
import { assert } from '../../lib/assert.ts';
import type { CompiledSend } from '../../rules/flows/send.ts';
import { type AnyGate, isChannelGate } from '../../rules/gates/gate.ts';
import { matchOf } from '../../rules/patterns/held-match.ts';
import type { CompiledRule } from '../../rules/project/compiled-rule.ts';
import type { Decision, Outcome } from '../../schemas/decision.ts';
import type { JsonObject } from '../../schemas/json.ts';
import { addWait, takeWaits, waitsDue } from '../../state/entity/waits.ts';
import { actionOf } from './actions.ts';
import { traceOf, type Verdict, verdictOn } from './decide.ts';
import { contentsOf, digestWait, type OpenDigest } from './digest.ts';
import { sendOnRoute } from './fallback.ts';
import { rememberSent } from './fired.ts';
import { knownFlows } from './flows/known.ts';
import { noteSent, recipientOf, routeOf, settleRoute } from './sending.ts';
import type { Visit } from './visit.ts';

/** Whose window has ended by `at`, event time in ms. To be called when everything that is due by then has been decided on (O3). */
export function digestsGoOut(visit: Visit, at: number): void {
  const { document, rules } = visit;
  if (waitsDue(document.sections) > at) return;
  for (const { rule: id, due, value } of takeWaits(document.sections, digestWait, (wait) => wait.due <= at)) {
    const rule = rules.rule(id);
    const send = rule?.program.sends.find(({ step }) => step === value.step);
    // A rule that is gone, or no longer sends there, sends nothing more.
    if (rule !== undefined && send !== undefined && value.newest !== null) goOut(visit, rule, send, value, due);
  }
}

function goOut(visit: Visit, rule: CompiledRule, send: CompiledSend, digest: OpenDigest, at: number): void {
  const { document, output, key, entity } = visit;
  const match = matchOf(digest.newest!, at);
  const failed = (source: string, error: unknown) => output.failed(rule, source, error);
  const scope = visit.scopeOf(rule.lane);
  scope.event = match.event;
  scope.captures = match.captures;
  scope.now = at;
  const items = digest.items.map((item) => JSON.parse(item) as JsonObject);
  // On arrival they may have come in another order than that of time.
  items.sort((a, b) => Date.parse(a['at'] as string) - Date.parse(b['at'] as string));
  const recipient = recipientOf(rule, document, visit.rules.context, scope, failed);
  const route = routeOf(send, recipient);
  settleRoute(route, rule.gates, { ...recipient, at, before: [] });
  const asked: CompiledRule = { ...rule, gates: rule.gates.filter(isAskedAgain) };
  const candidate = {
    ...recipient,
    rule: asked,
    match,
    by: '',
    entityKey: key,
    fired: { fired: [], forgotten: -1 },
    firedKey: '',
    flows: knownFlows(document.sections, visit.rules),
    wallTime: visit.wallTime(),
    reviewed: null,
    routes: [route],
  };
  const verdict = verdictOn(candidate);
  const decision: Decision = {
    id: hash('sha256', `${digest.id}\0${at}`).slice(0, 32),
    rule: rule.id,
    ruleVersion: rule.version,
    entity,
    at,
    outcome: outcomeOf(visit, rule, digest, verdict),
    reason: verdict.reason,
    events: digest.events,
    values: {},
    variant: null,
    flow: null,
    step: send.step,
    passedOver: route.passedOver,
    gathered: [],
    digest: { id: digest.id, items: digest.items.length + digest.more },
  };
  const trace = traceOf(decision, match);
  output.trace?.decided(decision, asked, candidate);
  output.decision(decision, asked, trace);
  if (decision.outcome !== 'fired') return;
  const flow = { id: decision.id, isMoved: false, edited: null, match: digest.newest!, captures: [] };
  const about = { rule, flow, flowId: null, entity, at, scope, failed, variant: null };
  const { sections } = document;
  const contents = contentsOf(items, digest.more);
  const action = actionOf(route, { ...about, sections, around: visit.rules.context, digest: contents });
  noteSent(rule.gates, { ...recipient, at, before: [] }, action.channel);
  sendOnRoute(visit, rule, action, trace);
  rememberSent(document, [action.channel], { at, rule, historyMs: visit.rules.needs(entity.type).sentMs });
  visit.sent(at);
}

/** O1. */
function isAskedAgain(gate: AnyGate): boolean {
  return isChannelGate(gate) || gate.quietUntil !== undefined || gate.reason === 'disabled';
}

function outcomeOf({ document }: Visit, rule: CompiledRule, digest: OpenDigest, { refusal }: Verdict): Outcome {
  if (refusal === null) return 'fired';
  const { until } = refusal;
  if (until === null) return 'suppressed';
  const isKept = addWait(document.sections, digestWait, {
    rule: rule.id,
    due: until,
    value: { ...digest, closes: until },
  });
  assert(isKept, 'a digest that was taken out has room');
  return 'deferred';
}

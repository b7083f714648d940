// An entity's document as people and programs read it: what is known of it, what each rule remembers, what it waits for.

import { deliveryWait, quietFallback } from '../../processors/decide/fallback.ts';
import { flowList } from '../../rules/flows/flow.ts';
import { cappedMessages } from '../../rules/gates/cap.ts';
import { saidOf } from '../../rules/gates/consent.ts';
import { groupHolds } from '../../rules/gates/exclusive.ts';
import { suppressedAddresses } from '../../rules/gates/suppressed.ts';
import { PATTERN_STATES } from '../../rules/patterns/index.ts';
import type { RuleSet } from '../../rules/project/rule-set.ts';
import { isYes, NEVER } from '../../schemas/consent-wish.ts';
import type { EntityRef } from '../../schemas/decision.ts';
import { Event } from '../../schemas/event.ts';
import type { Json, JsonObject } from '../../schemas/json.ts';
import { Section, type Sections } from '../../schemas/section.ts';
import { heldCandidates } from '../../state/entity/candidates.ts';
import { devicesOf } from '../../state/entity/devices.ts';
import { type EntityDocument, entityOfKey } from '../../state/entity/document.ts';
import { accountFacts, consentFacts, historyFacts, scoreFacts, sentFacts, wishesOf } from '../../state/entity/facts.ts';
import { membership } from '../../state/entity/membership.ts';
import type { RuleMemory } from '../../state/entity/rule-memories.ts';
import { waitsOfKind } from '../../state/entity/waits.ts';
import type { StoredDocument } from '../../state/store/stored-document.ts';
import { flowJson } from './flow-json.ts';

/** Names under which patterns keep event times in their state. */
const TIMES = new Set(['at', 'deadline']);

/** `task`: where it is. Times are ISO-8601, null where there is none. */
export function entityJson(task: string, stored: StoredDocument<EntityDocument>, rules: RuleSet): JsonObject {
  const { key, doc, dueAt, bytes } = stored;
  return {
    entity: entityOfKey(key),
    task,
    bytes,
    dueAt: timeJson(dueAt),
    newestEvent: timeJson(doc.newestTime),
    evaluatedBefore: timeJson(doc.evaluatedBefore),
    messageIds: doc.seen.size,
    profile: Object.fromEntries(
      Array.from(doc.profile ?? [], ([name, { value, at }]) => [name, { value, at: timeJson(at) }] as const),
    ),
    sent: (doc.sections.open(sentFacts) ?? []).map(({ channel, at }) => ({ channel, at: timeJson(at) })),
    rules: doc.rules.values().map((memory) => memoryJson(memory, rules)),
    buffered: doc.buffer.map((event) => event.toJson()),
    ...(!doc.sections.isEmpty && sectionsJson(doc.sections, entityOfKey(key), rules)),
  };
}

/** What is known of the entity beside its profile; of history, how much is kept of each event name. */
function sectionsJson(sections: Sections, entity: EntityRef, rules: RuleSet): JsonObject {
  return {
    account: Object.fromEntries(
      Array.from(sections.open(accountFacts) ?? [], ([name, { value }]) => [name, value] as const),
    ),
    consent: consentJson(sections, rules),
    history: Object.fromEntries(
      Array.from(sections.open(historyFacts) ?? [], ([name, times]) => {
        const newest = times.newestAt(Infinity);
        return [name, { kept: times.size, newest: newest === null ? null : timeJson(newest) }] as const;
      }),
    ),
    segments: (sections.open(membership) ?? []).map(({ lane, evaluatedAt, changesAt, members }) => ({
      lane,
      evaluatedAt: timeJson(evaluatedAt),
      changesAt: timeJson(changesAt),
      members: members.map(({ segment, since }) => ({ segment, since: timeJson(since) })),
    })),
    countedByCaps: (sections.open(cappedMessages)?.fired ?? []).map(({ at, category, channels }) => ({
      at: timeJson(at),
      category,
      channels,
    })),
    exclusive: (sections.open(groupHolds)?.holds ?? []).map(({ group, rule, until }) => ({
      group,
      rule,
      until: timeJson(until),
    })),
    flows: (sections.open(flowList) ?? []).flatMap((flow) => {
      const json = flowJson(flow, entity, rules);
      return json === null ? [] : [json as unknown as JsonObject];
    }),
    devices: devicesOf(sections).map(({ device: { id, type, app }, lastSeen }) => ({
      id,
      type,
      app,
      lastSeen: timeJson(lastSeen),
    })),
    suppressedAddresses: sections.open(suppressedAddresses) ?? [],
    onTheWay: [deliveryWait, quietFallback].flatMap((kind) =>
      waitsOfKind(sections, kind).map(({ rule, value: { id, channel, fallback, at } }) => ({
        rule,
        action: id,
        channel,
        fallback,
        at: timeJson(at),
      })),
    ),
    waiting: Object.entries(heldCandidates).flatMap(([reason, kind]) =>
      waitsOfKind(sections, kind).map(({ rule, due, value }) => ({
        rule,
        reason,
        at: timeJson(value.match.at),
        due: timeJson(due),
      })),
    ),
    scores: (sections.open(scoreFacts) ?? []).map(({ model, value, at }) => ({ model, value, at: timeJson(at) })),
  };
}

/** `isPending`: there is a yes, which is still to be confirmed. */
function consentJson(sections: Sections, { context }: RuleSet): JsonObject[] {
  const said = saidOf(wishesOf(sections), context.doubleOptIn);
  return (sections.open(consentFacts) ?? []).map(({ about, ...wish }) => {
    const allowed = said(about) === true;
    return {
      category: about,
      allowed,
      ...(isYes(wish) && !allowed && { isPending: true }),
      at: timeJson(Math.max(wish.yesAt, wish.noAt)),
      ...(wish.confirmedAt !== NEVER && { confirmedAt: timeJson(wish.confirmedAt) }),
    };
  });
}

/** ISO-8601 with ms; null for what never comes, or never was. */
export function timeJson(time: number): string | null {
  return Number.isFinite(time) && time >= 0 ? new Date(time).toISOString() : null;
}

/** `known`: whether the rule is still there; what one that is not remembers waits for nothing. */
function memoryJson({ rule, fired, forgotten, instances }: RuleMemory, rules: RuleSet): JsonObject {
  const pattern = rules.rule(rule)?.pattern;
  return {
    rule,
    known: pattern !== undefined,
    fired: fired.map(({ key, at }) => ({ key, at: timeJson(at) })),
    firedBefore: timeJson(forgotten),
    instances: instances.map(({ by, state }) => {
      const own = pattern?.state == null ? undefined : state.open(pattern.state);
      return {
        by,
        deadline: timeJson(own === undefined ? Infinity : pattern!.deadlineOf(own)),
        state: stateJson(state, ''),
      };
    }),
  };
}

/** A pattern's state: plain values, and events at any depth. */
function stateJson(value: unknown, name: string): Json {
  if (value instanceof Event) return value.toJson();
  if (value instanceof Section) {
    const codec = PATTERN_STATES.get(value.kind);
    return codec === undefined ? { ...value.toJSON() } : stateJson(value.open(codec), name);
  }
  if (Array.isArray(value)) return value.map((each) => stateJson(each, name));
  if (typeof value === 'number' && TIMES.has(name)) return timeJson(value);
  if (typeof value !== 'object' || value === null) return value as Json;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, stateJson(part, key)]));
}

// An entity's document as people and programs read it: what is known of it, what each rule remembers, what it waits for.

import type { Pattern, PatternState, RuleSet } from '../../rules/api.ts';
import { Event } from '../../schemas/event.ts';
import type { Json, JsonObject } from '../../schemas/json.ts';
import type { EntityContext } from '../../state/entity/context.ts';
import { type EntityDocument, entityOfKey, type RuleMemory } from '../../state/entity/document.ts';
import type { StoredDocument } from '../../state/store/document-store.ts';

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
    sent: doc.sent.map(({ channel, at }) => ({ channel, at: timeJson(at) })),
    rules: doc.rules.values().map((memory) => memoryJson(memory, rules)),
    buffered: doc.buffer.map((event) => event.toJson()),
    ...(doc.context !== null && contextJson(doc.context)),
  };
}

/** What is known of the entity beside its profile; of history, how much is kept of each event name. */
function contextJson({ account, consent, history, segments, fired, holds, held, scores }: EntityContext): JsonObject {
  return {
    account: Object.fromEntries(Array.from(account ?? [], ([name, { value }]) => [name, value] as const)),
    consent: consent.map(({ category, allowed, at }) => ({ category, allowed, at: timeJson(at) })),
    history: Object.fromEntries(
      Array.from(history ?? [], ([name, times]) => {
        const newest = times.newestAt(Infinity);
        return [name, { kept: times.size, newest: newest === null ? null : timeJson(newest) }] as const;
      }),
    ),
    segments: segments.map(({ lane, evaluatedAt, changesAt, members }) => ({
      lane,
      evaluatedAt: timeJson(evaluatedAt),
      changesAt: timeJson(changesAt),
      members: members.map(({ segment, since }) => ({ segment, since: timeJson(since) })),
    })),
    countedByCaps: fired.map(({ at, category, channels }) => ({ at: timeJson(at), category, channels })),
    exclusive: holds.map(({ group, rule, until }) => ({ group, rule, until: timeJson(until) })),
    waiting: held.map(({ rule, reason, at, due }) => ({ rule, reason, at: timeJson(at), due: timeJson(due) })),
    scores: scores.map(({ model, value, at }) => ({ model, value, at: timeJson(at) })),
  };
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
    instances: instances.map(({ by, state }) => ({
      by,
      deadline: timeJson(deadlineOf(pattern, state)),
      state: stateJson(state, ''),
    })),
  };
}

function deadlineOf(pattern: Pattern | undefined, state: PatternState): number {
  return pattern?.kind === state.kind ? pattern.deadlineOf(state) : Infinity;
}

/** A pattern's state: plain values, and events at any depth. */
function stateJson(value: unknown, name: string): Json {
  if (value instanceof Event) return value.toJson();
  if (Array.isArray(value)) return value.map((each) => stateJson(each, name));
  if (typeof value === 'number' && TIMES.has(name)) return timeJson(value);
  if (typeof value !== 'object' || value === null) return value as Json;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, stateJson(part, key)]));
}

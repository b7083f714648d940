// Rules as one whole, with the index from event name to the rules that care.
//
// Invariants:
//   T1. Looking up an event costs the same however many rules there are.
//   T2. Names that begin with "$" are the engine's own (schemas/internal-events.ts): "*" does not mean them.

import { isInternal, PRESENCE_EVENT } from '../../schemas/internal-events.ts';
import { type Needs, NeedsCollector } from '../expressions/needs.ts';
import type { Lane } from '../patterns/pattern.ts';
import type { CompiledRule } from './compiled-rule.ts';
import { NO_CONTEXT, type RuleContext } from './context.ts';
import type { CompiledSegment } from './segments.ts';

/** Rules as one whole, with the index that makes an event cost only the rules that care. */
export interface RuleSet {
  readonly rules: readonly CompiledRule[];
  rule(id: string): CompiledRule | undefined;
  /** Rules of `entity` whose flows may be concerned by an event of this name, in order of id. */
  flowing(entity: string, eventName: string): readonly CompiledRule[];
  /** Rules of `entity` to be shown an event of this name, by lane, in order of id. */
  interested(entity: string, lane: Lane, eventName: string): readonly CompiledRule[];
  readonly context: RuleContext;
  /** The rule as an earlier set had it, for flows that finish by their own version; undefined: no such version is known. */
  former(id: string, version: string): CompiledRule | undefined;
  /** What is asked to be remembered of entities of this type, by rules and segments and the models that they ask. */
  needs(entity: string): Needs;
  /** Whether a rule in event-time order asks for the entry into a segment, or the exit. */
  tracksInOrder(entity: string): boolean;
  /** Segments of entities of this type. */
  segments(entity: string): readonly CompiledSegment[];
}

/** By name; `others` are the rules for names that no rule mentions. */
interface NameIndex {
  readonly byName: ReadonlyMap<string, readonly CompiledRule[]>;
  readonly others: readonly CompiledRule[];
}

const NONE: readonly CompiledRule[] = Object.freeze([]);
const NO_NEEDS: Needs = new NeedsCollector();
const NO_SEGMENTS: readonly CompiledSegment[] = Object.freeze([]);

/** Ids must be unique. `before`: the set that this one took the place of. */
export function ruleSetOf(
  compiled: readonly CompiledRule[],
  context: RuleContext = NO_CONTEXT,
  before: (() => RuleSet | undefined) | null = null,
): RuleSet {
  const rules = [...compiled].sort((a, b) => (a.id < b.id ? -1 : 1));
  const byId = new Map(rules.map((rule) => [rule.id, rule]));
  const indexes = new Map<string, Record<Lane, NameIndex>>();
  for (const entity of new Set(rules.map((rule) => rule.entity))) {
    const own = rules.filter((rule) => rule.entity === entity);
    indexes.set(entity, {
      arrival: indexOf(
        own.filter((rule) => rule.lane === 'arrival'),
        interestsOf,
      ),
      'event-time': indexOf(
        own.filter((rule) => rule.lane === 'event-time'),
        interestsOf,
      ),
    });
  }
  const flows = new Map(
    [...indexes.keys()].map((entity) => {
      const own = rules.filter((rule) => rule.entity === entity && rule.program.listensTo.length > 0);
      return [entity, indexOf(own, ({ program }) => program.listensTo)];
    }),
  );
  const segments = Map.groupBy(context.segments.values(), (segment) => segment.entity);
  const entities = new Set([...indexes.keys(), ...segments.keys()]);
  const needs = new Map([...entities].map((entity) => [entity, needsOf(entity, rules, context)]));
  const inOrder = rules.filter((rule) => rule.lane === 'event-time' && listensToSegments(rule));
  const tracked = new Set(inOrder.map((rule) => rule.entity));
  return {
    rules,
    context,
    rule: (id) => byId.get(id),
    former(id, version) {
      const earlier = before?.();
      const rule = earlier?.rule(id);
      return rule?.version === version ? rule : earlier?.former(id, version);
    },
    interested(entity, lane, eventName) {
      const index = indexes.get(entity)?.[lane];
      if (index === undefined) return NONE;
      return index.byName.get(eventName) ?? (isInternal(eventName) ? NONE : index.others);
    },
    flowing(entity, eventName) {
      const index = flows.get(entity);
      if (index === undefined) return NONE;
      return index.byName.get(eventName) ?? (isInternal(eventName) ? NONE : index.others);
    },
    needs: (entity) => needs.get(entity) ?? NO_NEEDS,
    tracksInOrder: (entity) => tracked.has(entity),
    segments: (entity) => segments.get(entity) ?? NO_SEGMENTS,
  };
}

function interestsOf({ pattern }: CompiledRule): readonly string[] | '*' {
  return pattern.interests;
}

function listensToSegments({ pattern }: CompiledRule): boolean {
  return pattern.interests !== '*' && pattern.interests.some((name) => /^\$(enters|leaves) /.test(name));
}

function needsOf(entity: string, rules: readonly CompiledRule[], around: RuleContext): Needs {
  const needs = new NeedsCollector();
  for (const rule of rules) if (rule.entity === entity) needs.add(rule.needs);
  for (const segment of around.segments.values()) if (segment.entity === entity) needs.add(segment.needs);
  for (const id of needs.segments) needs.add(around.segments.get(id)?.needs ?? NO_NEEDS);
  for (const id of needs.models) needs.add(around.models.get(id)?.needs ?? NO_NEEDS);
  needs.profile ||= around.caps.some((cap) => cap.zone.readsProfile);
  const sends = rules.filter((rule) => rule.entity === entity).flatMap((rule) => rule.program.sends);
  const usesDevices = (channel: string) => around.channels.get(channel)?.usesDevices === true;
  const onAuto = Object.values(around.routing.channels).flat();
  needs.devices = sends.some(({ channels, isAuto }) => (isAuto ? onAuto : channels).some(usesDevices));
  if (sends.some(({ isAuto }) => isAuto)) {
    needs.profile = true;
    needs.attributes.add('preferredChannel');
    needs.remember(PRESENCE_EVENT, around.routing.presenceWindowMs);
  }
  return needs;
}

/** `rules` are in order of id, and so is every list here. */
function indexOf(rules: readonly CompiledRule[], namesOf: (rule: CompiledRule) => readonly string[] | '*'): NameIndex {
  const names = new Set(rules.flatMap((rule) => (namesOf(rule) === '*' ? [] : namesOf(rule))));
  const byName = new Map<string, CompiledRule[]>([...names].map((name) => [name, []]));
  const common = [...names].filter((name) => !isInternal(name));
  for (const rule of rules) {
    const own = namesOf(rule);
    const interests = own === '*' ? common : new Set(own);
    for (const name of interests) byName.get(name)!.push(rule);
  }
  return { byName, others: rules.filter((rule) => namesOf(rule) === '*') };
}

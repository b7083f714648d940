// Rules as one whole, with the index from event name to the rules that care.
//
// Invariants:
//   T1. Looking up an event costs the same however many rules there are.

import type { CompiledRule, Lane, RuleSet } from './api.ts';

/** By name; `others` are the rules for names that no rule mentions. */
interface NameIndex {
  readonly byName: ReadonlyMap<string, readonly CompiledRule[]>;
  readonly others: readonly CompiledRule[];
}

const NONE: readonly CompiledRule[] = Object.freeze([]);

/** Ids must be unique. */
export function ruleSetOf(compiled: readonly CompiledRule[]): RuleSet {
  const rules = [...compiled].sort((a, b) => (a.id < b.id ? -1 : 1));
  const byId = new Map(rules.map((rule) => [rule.id, rule]));
  const indexes = new Map<string, Record<Lane, NameIndex>>();
  for (const entity of new Set(rules.map((rule) => rule.entity))) {
    const own = rules.filter((rule) => rule.entity === entity);
    indexes.set(entity, {
      arrival: indexOf(own.filter((rule) => rule.lane === 'arrival')),
      'event-time': indexOf(own.filter((rule) => rule.lane === 'event-time')),
    });
  }
  return {
    rules,
    rule: (id) => byId.get(id),
    interested(entity, lane, eventName) {
      const index = indexes.get(entity)?.[lane];
      return index === undefined ? NONE : (index.byName.get(eventName) ?? index.others);
    },
    sentHistoryMs: rules.reduce((longest, rule) => Math.max(longest, rule.sentHistoryMs), 0),
    usesProfile: rules.some((rule) => rule.usesProfile),
  };
}

/** `rules` are in order of id, and so is every list here. */
function indexOf(rules: readonly CompiledRule[]): NameIndex {
  const names = new Set(rules.flatMap(({ pattern }) => (pattern.interests === '*' ? [] : pattern.interests)));
  const byName = new Map<string, CompiledRule[]>([...names].map((name) => [name, []]));
  for (const rule of rules) {
    const interests = rule.pattern.interests === '*' ? names : new Set(rule.pattern.interests);
    for (const name of interests) byName.get(name)!.push(rule);
  }
  return { byName, others: rules.filter((rule) => rule.pattern.interests === '*') };
}

// The document of one entity: all that is remembered of it (schemas/state/entity.avsc).
//
// Invariants:
//   N1. Its due time (entity-codec.ts) is derived: the first buffered event, the earliest deadline of any pattern's state, or
//       what the context waits for. Nothing else is armed.

import type { PatternState, RuleSet } from '../../rules/api.ts';
import type { Event } from '../../schemas/event.ts';
import { type Attribute, type EntityContext, emptyContext } from './context.ts';
import { RuleMemories } from './rule-memories.ts';
import { SeenIds } from './seen-ids.ts';

/** Pattern state of one rule for one value of its `by`; '' where it has none. */
export interface Instance {
  readonly by: string;
  state: PatternState;
}

export interface RuleMemory {
  readonly rule: string;
  /** Fired decisions, in order of decision; `key` is the cooldown's, '' without one. */
  fired: { readonly key: string; readonly at: number }[];
  /** Latest event time of a fired decision that is no longer in `fired`; -1: none. */
  forgotten: number;
  /** Shape of the rule under which `instances` were made (CompiledRule); left out: not known. */
  shape?: number;
  /** In the order in which they last set a deadline, or came. */
  instances: Instance[];
}

export interface EntityDocument {
  /** Highest event time accepted, ms. */
  newestTime: number;
  /** Events stamped before this are late for event-time rules. */
  evaluatedBefore: number;
  seen: SeenIds;
  /** Events that wait for stream time, in order of (time, arrival). */
  buffer: Event[];
  /** By attribute name; null while there is none. */
  profile: Map<string, Attribute> | null;
  /** Fired sends, in order of decision. */
  sent: readonly { readonly channel: string; readonly at: number }[];
  readonly rules: RuleMemories;
  /** Null while there is nothing in it. */
  context: EntityContext | null;
  /** Not stored: the rules for which forgetMisfits() was last called. */
  fitted: RuleSet | null;
  /** Not stored: the earliest deadline under these rules, so that it need not be sought at every event (earliestDeadline). */
  deadline: { at: number; rules: RuleSet } | null;
}

const NOTHING: readonly never[] = Object.freeze([]);

export function emptyEntityDocument(): EntityDocument {
  return {
    newestTime: 0,
    evaluatedBefore: 0,
    seen: new SeenIds(),
    buffer: [],
    profile: null,
    sent: NOTHING,
    rules: new RuleMemories(),
    context: null,
    fitted: null,
    deadline: null,
  };
}

/** The document's context, made if there is none. */
export function contextOf(doc: EntityDocument): EntityContext {
  doc.context ??= emptyContext();
  return doc.context;
}

/** The key of an entity's document. */
export function entityKey(type: string, id: string): string {
  return `${type}/${id}`;
}

export function entityOfKey(key: string): { type: string; id: string } {
  const slash = key.indexOf('/');
  return { type: key.slice(0, slash), id: key.slice(slash + 1) };
}

/**
 * To be called before rules are shown an event or a deadline: what patterns remembered under a rule that is gone, or has
 * another shape now, goes. What gates remember stays, so that no cooldown or limit is exceeded by a change of rules (I4).
 */
export function forgetMisfits(doc: EntityDocument, rules: RuleSet): void {
  if (doc.fitted === rules) return;
  doc.fitted = rules;
  for (const memory of doc.rules.values()) {
    const rule = rules.rule(memory.rule);
    const fits = rule !== undefined && (memory.shape === undefined || memory.shape === rule.shape);
    if (fits || memory.instances.length === 0) continue;
    memory.instances = [];
    doc.deadline = null;
    if (memory.fired.length === 0 && memory.forgotten < 0) doc.rules.delete(memory.rule);
  }
}

/** The earliest time at which a pattern of `rules` wants to be called; Infinity: none. */
export function earliestDeadline(doc: EntityDocument, rules: RuleSet): number {
  if (doc.deadline?.rules === rules) return doc.deadline.at;
  let earliest = Infinity;
  for (const memory of doc.rules.values()) {
    const pattern = rules.rule(memory.rule)?.pattern;
    if (pattern === undefined) continue;
    for (const { state } of memory.instances) {
      const deadline = pattern.kind === state.kind ? pattern.deadlineOf(state) : Infinity;
      if (deadline < earliest) earliest = deadline;
    }
  }
  doc.deadline = { at: earliest, rules };
  return earliest;
}

/** To be told whenever a pattern's deadline moves; Infinity: it had, or has, none. */
export function deadlineMoved(doc: EntityDocument, from: number, to: number): void {
  if (doc.deadline === null || from === to) return;
  if (to <= doc.deadline.at) doc.deadline.at = to;
  else if (from === doc.deadline.at) doc.deadline = null;
}

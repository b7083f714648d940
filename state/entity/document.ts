// The document of one entity: all that is remembered of it (schemas/state/entity.avsc).
//
// Owns: what every entity has, and when the document is due. Does not own: what patterns, gates and waits keep in it, which
// it stores as sections.
//
// Invariants:
//   N1. Its due time is derived: the first buffered event, the earliest deadline of any pattern's state, a segment that time
//       changes, or the first wait that is over. Nothing else is armed.

import { flowList, flowsDue } from '../../rules/flows/flow.ts';
import type { RuleSet } from '../../rules/project/rule-set.ts';
import type { Event } from '../../schemas/event.ts';
import { Sections } from '../../schemas/section.ts';
import type { Attributes } from './facts.ts';
import { membership, membershipDue } from './membership.ts';
import { isEmptyMemory, RuleMemories } from './rule-memories.ts';
import { SeenIds } from './seen-ids.ts';
import { waitsDue } from './waits.ts';

export interface EntityDocument {
  /** Highest event time accepted, ms. */
  newestTime: number;
  /** Events stamped before this are late for event-time rules. */
  evaluatedBefore: number;
  seen: SeenIds;
  /** Events that wait for stream time, in order of (time, arrival). */
  buffer: Event[];
  /** By attribute name; null while there is none. */
  profile: Attributes | null;
  readonly rules: RuleMemories;
  /** Facts beside the profile, what gates remember, what waits. */
  readonly sections: Sections;
  /** Not stored: the rules for which forgetMisfits() was last called. */
  fitted: RuleSet | null;
  /** Not stored: the earliest deadline under these rules, so that it need not be sought at every event (earliestDeadline). */
  deadline: { at: number; rules: RuleSet } | null;
}

export function emptyEntityDocument(): EntityDocument {
  return {
    newestTime: 0,
    evaluatedBefore: 0,
    seen: new SeenIds(),
    buffer: [],
    profile: null,
    rules: new RuleMemories(),
    sections: new Sections(),
    fitted: null,
    deadline: null,
  };
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
 * another shape now, goes. What gates remember stays, so that no cooldown or limit is exceeded by a change of rules (I4). False: the
 * rules are those of last time.
 */
export function forgetMisfits(doc: EntityDocument, rules: RuleSet): boolean {
  if (doc.fitted === rules) return false;
  doc.fitted = rules;
  for (const memory of doc.rules.values()) {
    const rule = rules.rule(memory.rule);
    const fits = rule !== undefined && (memory.shape === undefined || memory.shape === rule.shape);
    if (fits || memory.instances.length === 0) continue;
    memory.instances = [];
    doc.deadline = null;
    if (isEmptyMemory(memory)) doc.rules.delete(memory.rule);
  }
  return true;
}

/** When the document is to be looked at, ms; Infinity: never (N1). */
export function entityDue(doc: EntityDocument, rules: RuleSet): number {
  return Math.min(doc.buffer[0]?.time ?? Infinity, earliestDeadline(doc, rules), sectionsDue(doc));
}

/** When a section of it wants to be looked at, ms; Infinity: never. */
export function sectionsDue({ sections }: EntityDocument): number {
  if (sections.isEmpty) return Infinity;
  return Math.min(membershipDue(sections.open(membership)), waitsDue(sections), flowsDue(sections.open(flowList)));
}

/** The earliest time at which a pattern of `rules` wants to be called; Infinity: none. */
export function earliestDeadline(doc: EntityDocument, rules: RuleSet): number {
  if (doc.deadline?.rules === rules) return doc.deadline.at;
  let earliest = Infinity;
  for (const memory of doc.rules.values()) {
    const pattern = rules.rule(memory.rule)?.pattern;
    if (pattern === undefined || pattern.state === null) continue;
    for (const { state } of memory.instances) {
      const own = state.open(pattern.state);
      const deadline = own === undefined ? Infinity : pattern.deadlineOf(own);
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

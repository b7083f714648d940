// What a rule's pattern remembers of an entity: one state for each value of `by`.
//
// Invariants:
//   N1. At most INSTANCES_MAX values of `by` are kept per rule and entity; the oldest goes (I8).

import { assert } from '../../lib/assert.ts';
import type { PatternState } from '../../rules/patterns/pattern.ts';
import type { CompiledRule } from '../../rules/project/compiled-rule.ts';
import { Section } from '../../schemas/section.ts';
import { deadlineMoved, type EntityDocument } from '../../state/entity/document.ts';
import { type Instance, isEmptyMemory } from '../../state/entity/rule-memories.ts';

const INSTANCES_MAX = 256;

/** An instance with its state. */
export interface OpenInstance {
  readonly instance: Instance;
  readonly state: PatternState;
  /** When the state wants to be called, ms; Infinity: never. */
  readonly deadline: number;
}

/** Undefined: the pattern does not understand what is kept, which an earlier version of the rule left. */
export function opened({ pattern }: CompiledRule, instance: Instance): OpenInstance | undefined {
  const state = pattern.state === null ? undefined : instance.state.open(pattern.state);
  return state === undefined ? undefined : { instance, state, deadline: pattern.deadlineOf(state) };
}

/** The pattern's state of this value of `by`; one that it does not understand is dropped. */
export function instanceOf(document: EntityDocument, rule: CompiledRule, by: string): OpenInstance | undefined {
  const instance = document.rules.get(rule.id)?.instances.find((each) => each.by === by);
  if (instance === undefined) return undefined;
  const known = opened(rule, instance);
  if (known !== undefined) return known;
  document.deadline = null;
  forgetInstance(document, rule.id, instance);
  return undefined;
}

/**
 * Keeps the state that the pattern returned; null: nothing. `before`: what was kept; `deadlineBefore`: when that wanted to be
 * called, and still is to be. False when the state of another value of `by` was dropped for it.
 */
export function keepState(
  document: EntityDocument,
  rule: CompiledRule,
  by: string,
  state: PatternState | null,
  before: { readonly instance: Instance; readonly deadlineBefore: number } | undefined,
): boolean {
  const { pattern } = rule;
  const deadlineBefore = before?.deadlineBefore ?? Infinity;
  const deadline = state === null ? Infinity : pattern.deadlineOf(state);
  deadlineMoved(document, deadlineBefore, deadline);
  if (state === null) {
    if (before !== undefined) forgetInstance(document, rule.id, before.instance);
    return true;
  }
  assert(pattern.state !== null, `the pattern of ${rule.id} keeps a state that it cannot store`);
  if (before !== undefined) {
    const { instance } = before;
    instance.state = instance.state.with(pattern.state, state);
    if (rule.by !== null && deadline !== deadlineBefore) moveLast(document, rule.id, instance);
    return true;
  }
  const memory = document.rules.of(rule.id);
  // A list that push() grows has room for 17, which costs more than what is in it.
  memory.instances = [...memory.instances, { by, state: Section.of(pattern.state, state) }];
  memory.shape = rule.shape;
  if (memory.instances.length <= INSTANCES_MAX) return true;
  memory.instances.shift();
  document.deadline = null;
  return false;
}

/**
 * Keeps instances in the order in which their clocks began, which decides between deadlines of equal time: equal times of
 * one entity are taken in input order (docs/rules.md).
 */
function moveLast(document: EntityDocument, rule: string, instance: Instance): void {
  const { instances } = document.rules.get(rule)!;
  if (instances.at(-1) === instance) return;
  instances.splice(instances.indexOf(instance), 1);
  instances.push(instance);
}

function forgetInstance(document: EntityDocument, rule: string, instance: Instance): void {
  const memory = document.rules.get(rule)!;
  memory.instances = memory.instances.filter((each) => each !== instance);
  if (isEmptyMemory(memory)) document.rules.delete(rule);
}

// What a rule's pattern remembers of an entity: one state for each value of `by`.
//
// Invariants:
//   I8: at most INSTANCES_MAX values of `by` are kept per rule and entity; the oldest goes.

import type { CompiledRule, PatternState } from '../../rules/api.ts';
import { deadlineMoved, type EntityDocument, type Instance } from '../../state/entity/document.ts';
import { memoryOf } from '../decide/decide.ts';

const INSTANCES_MAX = 256;

export interface KeptState {
  readonly by: string;
  /** What was remembered before; undefined: nothing. */
  readonly instance: Instance | undefined;
  /** Null: nothing is to be remembered. */
  readonly state: PatternState | null;
  /** When the state before wanted to be called; Infinity: never, or there was none. */
  readonly deadlineBefore: number;
}

/** Puts a pattern's state into the document. False when that of another value of `by` was dropped for it. */
export function keepState(
  document: EntityDocument,
  rule: CompiledRule,
  { by, instance, state, deadlineBefore }: KeptState,
): boolean {
  const deadline = state === null ? Infinity : rule.pattern.deadlineOf(state);
  deadlineMoved(document, deadlineBefore, deadline);
  if (instance !== undefined) {
    if (state === null) {
      forgetInstance(document, rule.id, instance);
      return true;
    }
    instance.state = state;
    if (rule.by !== null && deadline !== deadlineBefore) moveLast(document, rule.id, instance);
    return true;
  }
  if (state === null) return true;
  const memory = memoryOf(document, rule.id);
  // A list that push() grows has room for 17, which costs more than what is in it.
  memory.instances = [...memory.instances, { by, state }];
  memory.shape = rule.shape;
  if (memory.instances.length <= INSTANCES_MAX) return true;
  memory.instances.shift();
  document.deadline = null;
  return false;
}

/** The pattern state of this value of `by`; one left by another kind of pattern under the same rule id is dropped. */
export function instanceOf(document: EntityDocument, rule: CompiledRule, by: string): Instance | undefined {
  const instance = document.rules.get(rule.id)?.instances.find((each) => each.by === by);
  if (instance === undefined || instance.state.kind === rule.pattern.kind) return instance;
  document.deadline = null;
  forgetInstance(document, rule.id, instance);
  return undefined;
}

/**
 * Keeps instances in the order in which their clocks began, which decides between deadlines of equal time: equal times of
 * one entity are taken in input order (rules.md).
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
  if (memory.instances.length === 0 && memory.fired.length === 0) document.rules.delete(rule);
}

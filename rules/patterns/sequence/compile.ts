// From the `sequence` of a rule to its plan, with all that does not fit together reported.
//
// Owns: defaults, impossible combinations, which ways lead where. Does not own: what the ways mean (advance.ts).

import { hash } from 'node:crypto';
import type { Condition } from '../../expressions/scope.ts';
import type { Path } from '../../language/parse.ts';
import { filterOf, interestsOf, msOf, type PatternTools } from '../definition.ts';
import { checkSteps, isNot, isOptional, type PositiveBody, timesOf } from './check.ts';
import { END, entryBit, FRESH, type Next, type Not, type SequencePlan, type Step, type Test } from './plan.ts';
import type { SequenceBody } from './schema.ts';

export interface CompiledSequence {
  readonly plan: SequencePlan;
  readonly interests: readonly string[] | '*';
  /** Names of all steps. */
  readonly captures: readonly string[];
}

/** An event pattern compiled. */
interface Tested {
  readonly test: Test;
  readonly condition: Condition | null;
}

/** A positive step with what stands behind it. */
interface Draft extends Tested {
  readonly body: PositiveBody;
  readonly capture: string | null;
  readonly nots: (Tested & { readonly strict: boolean })[];
}

export function compileSequence(body: SequenceBody, tools: PatternTools): CompiledSequence {
  checkSteps(body, tools);
  const names = new Names();
  const drafts: Draft[] = [];
  let untilNames: Names | null = null;
  for (const [index, step] of (body.steps ?? []).entries()) {
    if (step === undefined) continue;
    const path = [...tools.path, 'steps', index];
    if (isNot(step)) {
      const { condition, test } = compileTest(step.not ?? {}, [...path, 'not'], names, tools);
      drafts.at(-1)?.nots.push({ condition, test, strict: step.next === 'strict' });
      continue;
    }
    drafts.push(draftOf(step, path, names, tools));
    if (timesOf(step).max === Infinity) untilNames ??= names.copy();
  }
  const until = body.until && compileTest(body.until, [...tools.path, 'until'], untilNames ?? names, tools);
  const plan = planOf(body, drafts, until ?? null, names.lists, tools);
  const filters = drafts.flatMap((one) => [one.test.filter, ...one.nots.map((not) => not.test.filter)]);
  if (until) filters.push(until.test.filter);
  return { plan, interests: seesAll(plan) ? '*' : interestsOf(filters), captures: [...names.all] };
}

/** The names that an expression may use, growing from step to step. */
class Names {
  readonly all: Set<string>;
  readonly lists: string[];

  constructor(all: Iterable<string> = [], lists: readonly string[] = []) {
    this.all = new Set(all);
    this.lists = [...lists];
  }

  add(name: string, isList: boolean): void {
    this.all.add(name);
    if (isList) this.lists.push(name);
  }

  copy(): Names {
    return new Names(this.all, this.lists);
  }
}

function compileTest(
  body: { event?: PositiveBody['event']; where?: string | undefined },
  path: Path,
  names: Names,
  tools: PatternTools,
): Tested {
  const condition = tools.condition([...path, 'where'], body.where, [...names.all], names.lists);
  const readsCaptures = condition !== null && condition.captures.length > 0;
  return { test: { filter: filterOf(body.event, condition), readsCaptures }, condition };
}

function draftOf(body: PositiveBody, path: Path, names: Names, tools: PatternTools): Draft {
  let capture = tools.capture([...path, 'as'], body.as);
  if (capture !== null && names.all.has(capture)) {
    tools.error([...path, 'as'], `the name "${capture}" is used already`, 'each step has a name of its own');
    capture = null;
  }
  const isList = body.times !== undefined;
  // A repeating step may read what it has so far; a single one has nothing yet.
  if (capture !== null && isList) names.add(capture, true);
  const { test, condition } = compileTest(body, path, names, tools);
  if (capture !== null && !isList) names.add(capture, false);
  return { body, capture, test, condition, nots: [] };
}

function planOf(
  body: SequenceBody,
  drafts: readonly Draft[],
  until: Tested | null,
  lists: readonly string[],
  tools: PatternTools,
): SequencePlan {
  const conditions = drafts.flatMap((draft) => [draft.condition, ...draft.nots.map((not) => not.condition)]);
  const read = new Set([...conditions, until?.condition].flatMap((condition) => condition?.captures ?? []));
  const trailing = (drafts.at(-1)?.nots.length ?? 0) > 0;
  const optional = drafts.map((draft) => isOptional(draft.body));
  const steps = drafts.map((draft, at): Step => {
    const { capture } = draft;
    const canEnd = optional.slice(at + 1).every(Boolean);
    const isRead = capture !== null && (tools.readsMatched || read.has(capture));
    const nots = notsAfter(drafts, optional, at);
    return {
      ...shapeOf(draft),
      optional: optional[at]!,
      keepsData: isRead || (trailing && canEnd && tools.readsMatched),
      nextSteps: reachable(optional, at),
      nots,
      canEnd,
      exits: exitsOf(optional, at, trailing),
      fresh: nots.some((not) => not.strict) ? FRESH : 0,
    };
  });
  const withinMs = body.within === undefined ? Infinity : msOf(body.within);
  return {
    steps,
    hash: hashOf(drafts, until, withinMs),
    firstSteps: reachable(optional, -1),
    until: until?.test ?? null,
    withinMs,
    trailing,
    skip: body.skip ?? 'past-last',
    reorderMs: tools.reorderMs,
    lists,
  };
}

/** 32 bits of all that decides what a partial match means. */
function hashOf(drafts: readonly Draft[], until: Tested | null, withinMs: number): number {
  const textOf = ({ test, condition }: Tested) => [[...(test.filter.names ?? ['*'])], condition?.source ?? null];
  const steps = drafts.map((draft) => {
    const { test: _test, ...shape } = shapeOf(draft);
    const nots = draft.nots.map((not) => [...textOf(not), not.strict]);
    return [shape, isOptional(draft.body), textOf(draft), nots];
  });
  const text = JSON.stringify([steps, until === null ? null : textOf(until), withinMs]);
  return Buffer.from(hash('sha256', text), 'hex').readInt32BE(0);
}

function shapeOf({ body, capture, test }: Draft) {
  const { min, max } = timesOf(body);
  const entry: Next = body.next ?? 'relaxed';
  const inner: Next = body.times?.next ?? 'relaxed';
  return { test, capture, isList: body.times !== undefined, min, max, entry, inner, greedy: body.greedy === true };
}

/** The steps that may come next after step `from`; -1 is the beginning. */
function reachable(optional: readonly boolean[], from: number): number[] {
  const next: number[] = [];
  for (let at = from + 1; at < optional.length; at++) {
    next.push(at);
    if (!optional[at]) break;
  }
  return next;
}

/** All ways out of step `from` that lead past the first `between` of the steps behind it. */
function exitsOf(optional: readonly boolean[], from: number, trailing: boolean, between = 0): number {
  let ways = 0;
  for (const next of reachable(optional, from)) if (next > from + between) ways |= entryBit(from, next);
  const canEnd = optional.slice(from + 1).every(Boolean);
  return canEnd && trailing ? ways | END : ways;
}

/** The `not`s behind step `from` and behind the optional steps that may be left out after it. */
function notsAfter(drafts: readonly Draft[], optional: readonly boolean[], from: number): Not[] {
  const trailing = drafts.at(-1)!.nots.length > 0;
  const behind = [from, ...reachable(optional, from).filter((at) => optional[at])];
  return behind.flatMap((at) =>
    drafts[at]!.nots.map(({ test, strict }) => ({
      test,
      strict,
      closes: exitsOf(optional, from, trailing, at - from),
    })),
  );
}

/** Whether the plan must be shown every event of the entity, since it says what may lie between. */
function seesAll({ steps }: SequencePlan): boolean {
  return steps.some(
    (step, at) =>
      (at > 0 && step.entry === 'strict') ||
      (step.max > 1 && step.inner === 'strict') ||
      step.nots.some((not) => not.strict),
  );
}

// From a rule's `when` to its compiled pattern: which one it names, in which lane it runs, what stands beside it.
//
// Owns: that there is exactly one pattern, `by`, `within` beside `all` and `any`, patterns inside patterns. Does not own:
// the fields of each pattern (patterns/).

import type { Expression, Lane, PatternKind } from '../api.ts';
import type { Names } from '../expressions/compiler.ts';
import type { RuleBuilder } from '../expressions/rule-builder.ts';
import type { Path } from '../language/parse.ts';
import type { PatternPlan, PatternTools } from '../patterns/definition.ts';
import { PATTERNS } from '../patterns/index.ts';
import type { CompileOptions } from './compile-options.ts';
import type { RuleBody, WhenBody } from './rule-schema.ts';

export interface CompiledWhen {
  readonly plan: PatternPlan;
  readonly lane: Lane;
  readonly by: Expression | null;
}

/** What stands in `when` beside the pattern itself. */
const BESIDE: readonly string[] = ['where', 'as', 'by', 'within'];
/** More is not to be read. */
const DEPTH_MAX = 3;
const COMPOUND: readonly string[] = ['all', 'any'];

/** How far an event may come behind newer ones and still be in time, ms: event-time order has put them in order. */
export function reorderMsOf(lane: Lane, options: CompileOptions): number {
  return lane === 'arrival' ? options.outOfOrdernessMs : 0;
}

/** Null: there is no pattern to compile. Mistakes go to the builder. */
export function compileWhen(body: RuleBody, builder: RuleBuilder, options: CompileOptions): CompiledWhen | null {
  const { when } = body;
  if (when === undefined) return null;
  const kind = patternKind(when, ['when'], builder);
  if (kind === null) return null;
  const { lane: defaultLane } = PATTERNS[kind];
  const lane = body.order ?? (typeof defaultLane === 'function' ? defaultLane(when) : defaultLane);
  const readsMatched = body.if !== undefined || body.then !== undefined || typeof body.cooldown === 'object';
  const plan = compileOne(when, kind, ['when'], { builder, readsMatched, reorderMs: reorderMsOf(lane, options) });
  return { plan, lane, by: compileBy(when, kind, builder) };
}

interface Surroundings {
  readonly builder: RuleBuilder;
  readonly readsMatched: boolean;
  readonly reorderMs: number;
}

/** `path` is where the pattern's name stands. */
function compileOne(when: WhenBody, kind: PatternKind, path: Path, around: Surroundings): PatternPlan {
  const { builder, readsMatched, reorderMs } = around;
  if (kind !== 'event') refuseEventFields(when, kind, path, builder);
  if (!COMPOUND.includes(kind)) refuseWithin(when, kind, path, builder);
  const tools: PatternTools = {
    path: kind === 'event' ? path : [...path, kind],
    reorderMs,
    readsMatched,
    condition: (place, source, captures, lists = []) =>
      builder.condition(place, source, { captures, lists, insteadOfEvent: null }),
    isWritten: (place) => builder.document.node(place) !== undefined,
    value: (place, source, wanted) => builder.value(place, source, wanted),
    segment: (place, id) => builder.segment(place, id),
    sessionCondition: (place, source) => builder.sessionCondition(place, source),
    readsProfile: () => builder.readsProfile(),
    inner: (inside, place) => compileInner(inside, place, around),
    capture: (place, name) => builder.capture(place, name),
    error: (place, message, hint) => builder.error(place, message, hint),
  };
  return PATTERNS[kind].compile(when, tools);
}

function compileInner(when: WhenBody | undefined, path: Path, around: Surroundings): PatternPlan | null {
  if (when === undefined) return null;
  const { builder } = around;
  // A list and the place in it are two steps of the path for each level.
  if (path.length > 2 * DEPTH_MAX + 1) {
    builder.error(path, `patterns may be nested ${DEPTH_MAX} deep`);
    return null;
  }
  const kind = patternKind(when, path, builder);
  if (kind === null) return null;
  for (const place of [
    [...path, 'by'],
    [...path, kind, 'by'],
  ]) {
    if (builder.document.node(place) !== undefined) {
      builder.error(place, '"by" cannot stand in a pattern of a list', 'put it beside the list, for all of them');
    }
  }
  return compileOne(when, kind, path, around);
}

/** The one pattern that is named at `path` and can be used; null: there is none, which was reported. */
function patternKind(when: WhenBody, path: Path, builder: RuleBuilder): PatternKind | null {
  const node = builder.document.node(path);
  const named = node?.kind === 'map' ? [...node.entries.keys()].filter((name) => !BESIDE.includes(name)) : [];
  const [kind] = named;
  const place = path.length === 1 ? '"when"' : 'a pattern';
  if (kind === undefined) {
    builder.error(path, `${place} has no pattern`, `one of ${Object.keys(PATTERNS).join(', ')}`);
    return null;
  }
  if (named.length > 1) {
    builder.error(path, `${place} must have exactly one pattern, not ${named.join(' and ')}`);
    return null;
  }
  // A pattern of a later version, or one that is not usable at all, was reported by shape.ts.
  return isAvailable(kind) && when[kind] !== undefined ? kind : null;
}

function isAvailable(kind: string): kind is PatternKind {
  return Object.hasOwn(PATTERNS, kind);
}

function refuseEventFields(when: WhenBody, kind: string, path: Path, builder: RuleBuilder): void {
  for (const field of ['where', 'as'] as const) {
    if (when[field] === undefined) continue;
    const hint = COMPOUND.includes(kind) ? 'put it into the patterns of the list' : `put it into ${kind}: {…}`;
    builder.error([...path, field], `"${field}" does not belong beside "${kind}"`, hint);
  }
}

function refuseWithin(when: WhenBody, kind: string, path: Path, builder: RuleBuilder): void {
  if (when.within === undefined) return;
  const hint = 'here it is for all and any; other patterns have it inside';
  builder.error([...path, 'within'], `"within" does not belong beside "${kind}"`, hint);
}

function compileBy(when: WhenBody, kind: PatternKind, builder: RuleBuilder): Expression | null {
  const body = when[kind];
  const inner = typeof body === 'object' && !Array.isArray(body) && 'by' in body ? body.by : undefined;
  const names: Names = { captures: [], insteadOfEvent: null };
  if (inner !== undefined && when.by !== undefined) builder.error(['when', 'by'], '"by" is given twice');
  if (inner !== undefined) return builder.key(['when', kind, 'by'], inner, names);
  return builder.key(['when', 'by'], when.by, names);
}

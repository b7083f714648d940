// From a rule's `when` to its compiled pattern: which one it names, in which lane it runs, what stands beside it.
//
// Owns: that there is exactly one pattern, `by`, `within` beside `all` and `any`, patterns inside patterns. Does not own:
// the fields of each pattern (patterns/).

import type { Names } from '../expressions/compiler.ts';
import type { RuleBuilder } from '../expressions/rule-builder.ts';
import type { Expression } from '../expressions/scope.ts';
import type { Path } from '../language/parse.ts';
import type { PatternDefinition, PatternPlan, PatternTools } from '../patterns/definition.ts';
import { PATTERNS } from '../patterns/index.ts';
import type { Lane } from '../patterns/pattern.ts';
import type { CompileOptions } from './compile-options.ts';
import type { RuleBody, WhenBody } from './rule-schema.ts';

export interface CompiledWhen {
  readonly plan: PatternPlan;
  readonly lane: Lane;
  readonly by: Expression | null;
}

/** What stands in `when` beside the pattern itself. */
const BESIDE = ['where', 'as', 'within'] as const;
/** More is not to be read. */
const DEPTH_MAX = 3;

const DEFINITIONS: ReadonlyMap<string, PatternDefinition> = new Map(PATTERNS.map((each) => [each.kind, each]));

/** How far an event may come behind newer ones and still be in time, ms: event-time order has put them in order. */
export function reorderMsOf(lane: Lane, options: CompileOptions): number {
  return lane === 'arrival' ? options.outOfOrdernessMs : 0;
}

/** Null: there is no pattern to compile. Mistakes go to the builder. */
export function compileWhen(body: RuleBody, builder: RuleBuilder, options: CompileOptions): CompiledWhen | null {
  const { when } = body;
  if (when === undefined) return null;
  const definition = patternOf(when, ['when'], builder);
  if (definition === null) return null;
  const { kind, lane: byDefault } = definition;
  const lane = body.order ?? (typeof byDefault === 'function' ? byDefault(when[kind]) : byDefault);
  const readsMatched = READ_MATCHED.some((field) => body[field] !== undefined) || typeof body.cooldown === 'object';
  const plan = compileOne(when, definition, ['when'], { builder, readsMatched, reorderMs: reorderMsOf(lane, options) });
  return { plan, lane, by: compileBy(when, kind, builder) };
}

/** Fields that read an event of the match after it was made. */
const READ_MATCHED = ['if', 'then', 'goal', 'stopOn'] as const;

interface Shared {
  readonly builder: RuleBuilder;
  readonly readsMatched: boolean;
  readonly reorderMs: number;
}

/** `path` is where the pattern's name stands. */
function compileOne(when: WhenBody, definition: PatternDefinition, path: Path, shared: Shared): PatternPlan {
  const { builder, readsMatched, reorderMs } = shared;
  const { kind, beside = [] } = definition;
  refuseBeside(when, definition, path, builder);
  const tools: PatternTools = {
    // Fields that stand beside the name are those of the pattern itself.
    path: beside.includes('where') ? path : [...path, kind],
    beside: when,
    reorderMs,
    readsMatched,
    condition: (place, source, captures, lists = []) =>
      builder.condition(place, source, { captures, lists, insteadOfEvent: null }),
    isWritten: (place) => builder.document.node(place) !== undefined,
    value: (place, source, wanted) => builder.value(place, source, wanted),
    segment: (place, id) => builder.segment(place, id),
    sessionCondition: (place, source) => builder.sessionCondition(place, source),
    readsProfile: () => builder.readsProfile(),
    inner: (inside, place) => compileInner(inside as WhenBody | undefined, place, shared),
    capture: (place, name) => builder.capture(place, name),
    error: (place, message, hint) => builder.error(place, message, hint),
  };
  return definition.compile(when[kind], tools);
}

function compileInner(when: WhenBody | undefined, path: Path, shared: Shared): PatternPlan | null {
  if (when === undefined) return null;
  const { builder } = shared;
  // A list and the place in it are two steps of the path for each level.
  if (path.length > 2 * DEPTH_MAX + 1) {
    builder.error(path, `patterns may be nested ${DEPTH_MAX} deep`);
    return null;
  }
  const definition = patternOf(when, path, builder);
  if (definition === null) return null;
  for (const place of [
    [...path, 'by'],
    [...path, definition.kind, 'by'],
  ]) {
    if (builder.document.node(place) !== undefined) {
      builder.error(place, '"by" cannot stand in a pattern of a list', 'put it beside the list, for all of them');
    }
  }
  return compileOne(when, definition, path, shared);
}

/** The one pattern that is named at `path` and can be used; null: there is none, which was reported. */
function patternOf(when: WhenBody, path: Path, builder: RuleBuilder): PatternDefinition | null {
  const node = builder.document.node(path);
  const named = node?.kind === 'map' ? [...node.entries.keys()].filter((name) => !isBeside(name)) : [];
  const [kind] = named;
  const place = path.length === 1 ? '"when"' : 'a pattern';
  if (kind === undefined) {
    builder.error(path, `${place} has no pattern`, `one of ${[...DEFINITIONS.keys()].join(', ')}`);
    return null;
  }
  if (named.length > 1) {
    builder.error(path, `${place} must have exactly one pattern, not ${named.join(' and ')}`);
    return null;
  }
  // One that is not known, or not usable at all, was reported by shape.ts.
  return when[kind] === undefined ? null : (DEFINITIONS.get(kind) ?? null);
}

function isBeside(name: string): boolean {
  return name === 'by' || (BESIDE as readonly string[]).includes(name);
}

function refuseBeside(
  when: WhenBody,
  { kind, beside = [] }: PatternDefinition,
  path: Path,
  builder: RuleBuilder,
): void {
  const isList = beside.includes('within');
  for (const field of BESIDE) {
    if (when[field] === undefined || beside.includes(field)) continue;
    const hint =
      field === 'within'
        ? 'here it is for all and any; other patterns have it inside'
        : isList
          ? 'put it into the patterns of the list'
          : `put it into ${kind}: {…}`;
    builder.error([...path, field], `"${field}" does not belong beside "${kind}"`, hint);
  }
}

function compileBy(when: WhenBody, kind: string, builder: RuleBuilder): Expression | null {
  const body = when[kind];
  const inner =
    typeof body === 'object' && body !== null && !Array.isArray(body) && 'by' in body
      ? (body.by as string | undefined)
      : undefined;
  const names: Names = { captures: [], insteadOfEvent: null };
  if (inner !== undefined && when.by !== undefined) builder.error(['when', 'by'], '"by" is given twice');
  if (inner !== undefined) return builder.key(['when', kind, 'by'], inner, names);
  return builder.key(['when', 'by'], when.by, names);
}

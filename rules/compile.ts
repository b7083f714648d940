// From a rule whose shape was checked to a compiled one, with all that does not fit together reported.
//
// Owns: the fields of the rule and how they belong together, its version. Does not own: patterns (patterns/), sends
// (sends.ts), inline tests (inline-test.ts).

import { createHash } from 'node:crypto';
import { didYouMean } from '../lib/suggest.ts';
import type { Json } from '../schemas/json.ts';
import type { CompiledRule, Lane, PatternKind } from './api.ts';
import type { Names } from './expressions.ts';
import { msOf, type PatternPlan } from './patterns/definition.ts';
import { PATTERNS } from './patterns/index.ts';
import type { RuleBuilder } from './rule-builder.ts';
import type { RuleBody, WhenBody } from './schema.ts';
import { type ChannelOptions, compileSends } from './sends.ts';

export interface CompileOptions extends ChannelOptions {
  /** How far behind the newest event an event may come. */
  readonly outOfOrdernessMs: number;
  /** Entities of the configuration, beside `user`. */
  readonly entities: readonly string[];
}

const PRIORITY_DEFAULT = 50;

/** Mistakes go to the builder; the rule is to be used only if there were none. Null: it has no pattern to compile. */
export function compileRule(body: RuleBody, builder: RuleBuilder, options: CompileOptions): CompiledRule | null {
  const entity = body.entity ?? 'user';
  checkEntity(entity, builder, options);
  const compiled = compilePattern(body, builder, options);
  const captures = compiled?.plan.captures ?? [];
  const names: Names = { captures, insteadOfEvent: null };
  const condition = builder.condition(['if'], body.if, names);
  const cooldown = compileCooldown(body, builder, names);
  const thenNames = compiled?.plan.eventInThen === false ? namesWithoutEvent(captures) : names;
  const sends = compileSends(body.then, thenNames, options, builder);
  if (compiled === null) return null;
  return {
    id: body.id ?? '',
    version: versionOf(body),
    entity,
    enabled: body.enabled ?? true,
    priority: body.priority ?? PRIORITY_DEFAULT,
    urgency: body.urgency ?? 'marketing',
    category: body.category ?? null,
    lane: compiled.lane,
    reorderMs: reorderMsOf(compiled.lane, options),
    pattern: compiled.plan.pattern,
    by: compiled.by,
    condition,
    cooldown,
    limits: (body.limit ?? []).map((limit) => ({ max: limit?.max ?? 1, perMs: msOf(limit?.per) })),
    sends,
    sentHistoryMs: builder.sentHistoryMs,
    usesProfile: builder.usesProfile || sends.some((send) => send.template !== null),
  };
}

function reorderMsOf(lane: Lane, options: CompileOptions): number {
  return lane === 'arrival' ? options.outOfOrdernessMs : 0;
}

function checkEntity(entity: string, builder: RuleBuilder, options: CompileOptions): void {
  const known = ['user', ...options.entities];
  if (known.includes(entity)) return;
  const hint = didYouMean(entity, known, `known: ${known.join(', ')}`);
  builder.error(['entity'], `unknown entity "${entity}"`, hint);
}

function compilePattern(body: RuleBody, builder: RuleBuilder, options: CompileOptions) {
  const { when } = body;
  if (when === undefined) return null;
  const named = writtenPatterns(builder);
  const [kind] = named;
  if (kind === undefined) {
    const hint = `one of ${Object.keys(PATTERNS).join(', ')}`;
    builder.error(['when'], '"when" has no pattern', hint);
    return null;
  }
  if (named.length > 1) {
    builder.error(['when'], `"when" must have exactly one pattern, not ${named.join(' and ')}`);
    return null;
  }
  // A pattern of a later version, or one that is not usable at all, was reported by shape.ts.
  if (!isAvailable(kind) || when[kind] === undefined) return null;
  const definition = PATTERNS[kind];
  const lane = body.order ?? definition.lane;
  const path = kind === 'event' ? ['when'] : ['when', kind];
  if (kind !== 'event') refuseEventFields(when, kind, builder);
  const plan: PatternPlan = definition.compile(when, {
    path,
    reorderMs: reorderMsOf(lane, options),
    readsMatched: body.if !== undefined || body.then !== undefined || typeof body.cooldown === 'object',
    condition: (place, source, captures) => builder.condition(place, source, { captures, insteadOfEvent: null }),
    capture: (place, name) => builder.capture(place, name),
    error: (place, message, hint) => builder.error(place, message, hint),
  });
  return { plan, lane, by: compileBy(when, kind, builder) };
}

/** The patterns that the rule names, available or not. */
function writtenPatterns(builder: RuleBuilder): string[] {
  const when = builder.document.node(['when']);
  if (when?.kind !== 'map') return [];
  return [...when.entries.keys()].filter((name) => !['where', 'as', 'by'].includes(name));
}

function isAvailable(kind: string): kind is PatternKind {
  return Object.hasOwn(PATTERNS, kind);
}

function refuseEventFields(when: WhenBody, kind: string, builder: RuleBuilder): void {
  for (const field of ['where', 'as'] as const) {
    if (when[field] === undefined) continue;
    builder.error(['when', field], `"${field}" does not belong beside "${kind}"`, `put it into ${kind}: {…}`);
  }
}

function compileBy(when: WhenBody, kind: PatternKind, builder: RuleBuilder) {
  const inner = kind === 'event' ? undefined : when[kind]?.by;
  const names: Names = { captures: [], insteadOfEvent: null };
  if (inner !== undefined && when.by !== undefined) builder.error(['when', 'by'], '"by" is given twice');
  if (inner !== undefined) return builder.key(['when', kind, 'by'], inner, names);
  return builder.key(['when', 'by'], when.by, names);
}

function compileCooldown(body: RuleBody, builder: RuleBuilder, names: Names): CompiledRule['cooldown'] {
  const { cooldown } = body;
  if (cooldown === undefined) return null;
  if (typeof cooldown === 'string') return { forMs: msOf(cooldown), key: null };
  return { forMs: msOf(cooldown.for), key: builder.key(['cooldown', 'key'], cooldown.key, names) };
}

function namesWithoutEvent(captures: readonly string[]): Names {
  const [capture] = captures;
  const instead =
    capture === undefined
      ? 'for absence only captures exist: name the event with after: { …, as: name }'
      : `for absence only captures exist: use ${capture}`;
  return { captures, insteadOfEvent: instead };
}

/** Changes when the rule's meaning does: everything but its tests and what it says of itself. */
function versionOf(body: RuleBody): string {
  const { tests: _tests, description: _description, owner: _owner, ...meaning } = body;
  return createHash('sha256')
    .update(canonicalJson(meaning as Json))
    .digest('hex')
    .slice(0, 12);
}

/** JSON with names in order, so that their order in the file means nothing. */
function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([name, item]) => `${JSON.stringify(name)}:${canonicalJson(item)}`).join(',')}}`;
}

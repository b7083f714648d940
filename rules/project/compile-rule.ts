// From a rule whose shape was checked to a compiled one, with all that does not fit together reported.
//
// Owns: the fields of the rule and how they belong together, its version. Does not own: `when` (compile-when.ts), steps (flows/),
// gates (gates/), inline tests (inline-test.ts).

import { createHash } from 'node:crypto';
import { didYouMean } from '../../lib/suggest.ts';
import type { Json } from '../../schemas/json.ts';
import type { Names } from '../expressions/compiler.ts';
import type { RuleBuilder } from '../expressions/rule-builder.ts';
import { type CompiledProgram, checkProgram, compileProgram } from '../flows/index.ts';
import { exclusiveOf } from '../gates/exclusive.ts';
import type { GateTools } from '../gates/gate.ts';
import { compileGates } from '../gates/index.ts';
import { reviewOf } from '../gates/review.ts';
import { validForOf } from '../gates/stale.ts';
import type { CompileOptions } from './compile-options.ts';
import { compileWhen, reorderMsOf } from './compile-when.ts';
import type { CompiledRule } from './compiled-rule.ts';
import type { RuleBody } from './rule-schema.ts';
import { shapeOf } from './rule-shape.ts';

const PRIORITY_DEFAULT = 50;

/** Mistakes go to the builder; the rule is to be used only if there were none. Null: it has no pattern to compile. */
export function compileRule(body: RuleBody, builder: RuleBuilder, options: CompileOptions): CompiledRule | null {
  const entity = body.entity ?? 'user';
  checkEntity(entity, builder, options);
  const compiled = compileWhen(body, builder, options);
  const captures = compiled?.plan.captures ?? [];
  const session = compiled?.plan.session ?? null;
  const lists = compiled?.plan.lists ?? [];
  const names: Names = { captures, lists, insteadOfEvent: null, session, remoteScores: true };
  const thenNames: Names = {
    ...names,
    ...(compiled?.plan.eventInThen === false && namesWithoutEvent(captures)),
    flow: true,
  };
  const firedKey = compileFiredKey(body, builder, names);
  const eventNames: Names = { captures, lists, insteadOfEvent: null, flow: true };
  const program = compileProgram(body, builder, { names: thenNames, eventNames, channels: options });
  const gates = compileGates(body, gateTools(body, builder, names, program));
  if (compiled === null) return null;
  const { interests: listensTo } = compiled.plan.pattern;
  const { recordsKeptMs = null } = options;
  checkProgram(program, { goal: body.goal, when: body.when, listensTo, recordsKeptMs }, builder);
  const version = versionOf(body);
  return {
    id: body.id ?? '',
    version,
    shape: shapeOf(body, { version, lane: compiled.lane, since: options.since?.get(body.id ?? '') ?? 0 }),
    entity,
    enabled: body.enabled ?? true,
    priority: body.priority ?? PRIORITY_DEFAULT,
    urgency: body.urgency ?? 'marketing',
    validForMs: validForOf(body.validFor) ?? null,
    category: body.category ?? null,
    description: body.description ?? null,
    lane: compiled.lane,
    reorderMs: reorderMsOf(compiled.lane, options),
    pattern: compiled.plan.pattern,
    by: compiled.by,
    firedKey,
    exclusive: exclusiveOf(body.exclusive),
    review: body.review === undefined ? null : reviewOf(body.review),
    gates,
    program,
    needs: program.sends.some((send) => send.template !== null) ? { ...builder.needs, profile: true } : builder.needs,
  };
}

function gateTools(body: RuleBody, builder: RuleBuilder, names: Names, program: CompiledProgram): GateTools {
  return {
    rule: body.id ?? '',
    names,
    sends: program.sends.length > 0,
    flow: program,
    condition: (path, source, own) => builder.condition(path, source, own),
    readsProfile: () => builder.readsProfile(),
    error: (path, message, hint) => builder.error(path, message, hint),
  };
}

function checkEntity(entity: string, builder: RuleBuilder, options: CompileOptions): void {
  const known = ['user', ...options.entities];
  if (known.includes(entity)) return;
  const hint = didYouMean(entity, known, `known: ${known.join(', ')}`);
  builder.error(['entity'], `unknown entity "${entity}"`, hint);
}

/** Fired decisions of one value of it are told apart from those of others. */
function compileFiredKey({ cooldown }: RuleBody, builder: RuleBuilder, names: Names): CompiledRule['firedKey'] {
  return typeof cooldown === 'object' ? builder.key(['cooldown', 'key'], cooldown.key, names) : null;
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

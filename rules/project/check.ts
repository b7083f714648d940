// The face of the rule language: files in; compiled rules, their tests, and every mistake out.
//
// Owns: what concerns several rules (ids). Does not own: reading files from disk (apps/).

import type { Problem } from '../../lib/problem.ts';
import { didYouMean } from '../../lib/suggest.ts';
import { RuleBuilder } from '../expressions/rule-builder.ts';
import { type Path, parseRuleFile, type SourceDocument } from '../language/parse.ts';
import { compileShape } from '../language/shape.ts';
import { type AskedCategory, checkContext, type RuleFile } from './check-context.ts';
import type { CompileOptions } from './compile-options.ts';
import { compileRule } from './compile-rule.ts';
import type { CompiledRule } from './compiled-rule.ts';
import type { RuleContext } from './context.ts';
import { type InlineTest, readInlineTests } from './inline-test.ts';
import { checkKnownEvents } from './known-events.ts';
import { type RuleBody, RuleSchema } from './rule-schema.ts';
import type { RuleSet } from './rule-set.ts';
import { ruleSetOf } from './rule-set.ts';

export interface RulesCheck {
  /** The rules without a mistake, in order of id. */
  readonly rules: readonly CompiledRule[];
  readonly ruleSet: RuleSet;
  /** What is written in those rules, by id. */
  readonly bodies: ReadonlyMap<string, RuleBody>;
  /** The inline tests of those rules. */
  readonly tests: readonly InlineTest[];
  /** All of them, by file and place. Rules are to be run only if there is none. */
  readonly errors: readonly Problem[];
  readonly warnings: readonly Problem[];
}

const shapeOf = compileShape(RuleSchema, 'a rule');

export function checkRules(files: readonly RuleFile[], options: CompileOptions): RulesCheck {
  const errors: Problem[] = [];
  const warnings: Problem[] = [];
  const rules: CompiledRule[] = [];
  const tests: InlineTest[] = [];
  const bodies = new Map<string, RuleBody>();
  const { context, expressions, exempt } = checkContext(options.context ?? {}, options, errors);
  const firstPlaces = new Map<string, string>();
  const asking: Asking[] = [];
  for (const { file, text } of files) {
    const { documents, problems } = parseRuleFile(file, text);
    errors.push(...problems);
    if (documents.length === 0 && problems.length === 0) {
      warnings.push({ file, line: 1, column: 1, message: 'the file has no rules', hint: null });
    }
    for (const document of documents) {
      const { value, problems: found } = shapeOf(document);
      if (value !== undefined) {
        const body = value as RuleBody;
        const builder = new RuleBuilder(document, found, expressions);
        checkUnique(body, document, firstPlaces, builder);
        const rule = compileRule(body, builder, options);
        if (rule !== null) checkSegmentEntities(rule, context, builder);
        asking.push({ body, entity: rule?.entity ?? null, document, flows: builder.needs.flows });
        if (rule !== null && options.events !== undefined) {
          checkKnownEvents(rule, body, options.events, (path, message, hint) => {
            warnings.push({ file, ...document.place(path), message, hint });
          });
        }
        const ruleTests = readInlineTests(body, builder);
        warnings.push(...builder.warnings);
        if (found.length === 0 && rule !== null) {
          rules.push(rule);
          bodies.set(rule.id, body);
          tests.push(...ruleTests);
        }
      }
      errors.push(...found);
    }
  }
  errors.push(...asking.flatMap((one) => unknownFlows(one, asking)));
  const ruleSet = ruleSetOf(rules, context, options.before ?? null);
  // Of rules that have mistakes the category is not known.
  if (errors.length === 0) warnings.push(...unknownCategories(exempt, ruleSet));
  checkExpectedRules(tests, ruleSet, errors);
  return { rules: ruleSet.rules, ruleSet, bodies, tests, errors: inOrder(errors), warnings };
}

function checkUnique(
  body: RuleBody,
  document: SourceDocument,
  firstPlaces: Map<string, string>,
  builder: RuleBuilder,
): void {
  if (body.id === undefined) return;
  const { line, column } = document.place(['id']);
  const first = firstPlaces.get(body.id);
  if (first === undefined) firstPlaces.set(body.id, `${document.file}:${line}:${column}`);
  else builder.error(['id'], `the rule id "${body.id}" is used already`, `first used at ${first}`);
}

/** A segment's condition is over entities of its own type. */
function checkSegmentEntities(rule: CompiledRule, { segments }: RuleContext, builder: RuleBuilder): void {
  for (const id of rule.needs.segments) {
    const segment = segments.get(id);
    if (segment === undefined || segment.entity === rule.entity) continue;
    builder.error(['id'], `the rule is about a ${rule.entity}, the segment "${id}" about a ${segment.entity}`);
  }
}

/** A rule as it is written, and the rules of which it asks inFlow(). */
interface Asking {
  readonly body: RuleBody;
  /** Null: the rule has no pattern to compile. */
  readonly entity: string | null;
  readonly document: SourceDocument;
  readonly flows: ReadonlySet<string>;
}

/** A flow is asked for by its rule, which must be there and about the same entities: else the answer would be no for ever. */
function unknownFlows({ body, entity, document, flows }: Asking, all: readonly Asking[]): Problem[] {
  return [...flows].flatMap((id) => {
    const { path, offset } = placeOfFlow(id, body) ?? { path: ['id'], offset: 0 };
    const asked = all.find((one) => one.body.id === id);
    if (asked === undefined) {
      const ids = all.flatMap((one) => one.body.id ?? []);
      const hint = didYouMean(id, ids, 'inFlow() asks for the id of a rule');
      return [document.problem(path, `unknown rule "${id}"`, hint, offset)];
    }
    if (asked.entity === null || entity === null || asked.entity === entity) return [];
    const message = `the rule is about a ${entity}, the flows of "${id}" about a ${asked.entity}`;
    return [document.problem(path, message, null, offset)];
  });
}

/** Where `inFlow("id")` stands in what is written. */
function placeOfFlow(id: string, value: unknown, path: Path = []): { path: Path; offset: number } | null {
  if (typeof value === 'string') {
    const call = [...value.matchAll(/inFlow\(\s*(?:"([^"]*)"|'([^']*)')/g)].find(([, a, b]) => (a ?? b) === id);
    return call === undefined ? null : { path, offset: call.index };
  }
  if (typeof value !== 'object' || value === null) return null;
  for (const [key, part] of Object.entries(value)) {
    const found = placeOfFlow(id, part, [...path, Array.isArray(value) ? Number(key) : key]);
    if (found !== null) return found;
  }
  return null;
}

/** An exemption that no rule has is a slip of the pen: what should go out would be held back. */
function unknownCategories(exempt: readonly AskedCategory[], { rules }: RuleSet): Problem[] {
  const known = [...new Set(rules.flatMap(({ category }) => category ?? []))];
  return exempt.flatMap(({ category, place }) => {
    if (known.includes(category)) return [];
    const there = known.length === 0 ? 'no rule has a category' : `there is ${known.join(', ')}`;
    return [{ ...place, message: `no rule has the category "${category}"`, hint: didYouMean(category, known, there) }];
  });
}

/** A test may expect decisions of other rules, which must be there; not asked while rules have mistakes. */
function checkExpectedRules(tests: readonly InlineTest[], ruleSet: RuleSet, errors: Problem[]): void {
  if (errors.length > 0) return;
  for (const test of tests) {
    const expected = [
      ...(test.expect ?? []).map(({ rule, place }) => ({ rule, place, what: 'a decision' })),
      ...(test.actions ?? []).map(({ rule, place }) => ({ rule, place, what: 'an action' })),
    ];
    for (const { rule, place, what } of expected) {
      if (ruleSet.rule(rule) !== undefined) continue;
      errors.push({ ...place, message: `the test expects ${what} of an unknown rule "${rule}"`, hint: null });
    }
  }
}

function inOrder(problems: readonly Problem[]): Problem[] {
  return [...problems].sort((a, b) => {
    if (a.file !== b.file) return a.file < b.file ? -1 : 1;
    return a.line - b.line || a.column - b.column;
  });
}

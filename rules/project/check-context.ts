// Segments, models, caps and hold-outs of a project: files in; what rules are decided in, and every mistake, out.
//
// Owns: reading these files, ids. Does not own: what is right in one of them (segments.ts, models/, caps.ts, holdouts.ts).

import type { TSchema } from 'typebox';
import type { Problem } from '../../lib/problem.ts';
import { didYouMean } from '../../lib/suggest.ts';
import { ExpressionCompiler } from '../expressions/compiler.ts';
import { NeedsCollector } from '../expressions/needs.ts';
import { RuleBuilder } from '../expressions/rule-builder.ts';
import type { CompiledCap } from '../gates/caps.ts';
import { type CapsBody, CapsSchema, compileCaps } from '../gates/caps.ts';
import type { ChannelTraits } from '../gates/channels.ts';
import { compileHoldouts, type GlobalHoldout, type HoldoutsBody, HoldoutsSchema } from '../gates/holdouts.ts';
import type { Urgency } from '../gates/urgency.ts';
import { ROUTING, type Routing } from '../gates/urgency.ts';
import { parseRuleFile, type SourceDocument } from '../language/parse.ts';
import { compileShape, type Shaped } from '../language/shape.ts';
import { compileModel } from '../models/compile.ts';
import type { CompiledModel } from '../models/model.ts';
import { type ModelBody, ModelSchema } from '../models/schema.ts';
import type { RuleContext } from './context.ts';
import type { CompiledSegment } from './segments.ts';
import { compileSegment, type SegmentBody, SegmentSchema } from './segments.ts';

export interface RuleFile {
  /** Its path as the user gave it; messages name it. */
  readonly file: string;
  readonly text: string;
}

export interface ContextFiles {
  readonly segments?: readonly RuleFile[];
  readonly models?: readonly RuleFile[];
  readonly caps?: readonly RuleFile[];
  readonly holdouts?: readonly RuleFile[];
  /** Consent categories for which the person must have said yes. */
  readonly optIn?: readonly string[];
  /** Categories, and channels as `channel:<name>`, for which a yes must be confirmed. */
  readonly doubleOptIn?: readonly string[];
  /** Categories that ask nobody. */
  readonly always?: readonly string[];
  /** How long decisions are good, by urgency, ms; left out: for ever. */
  readonly validForMs?: Readonly<Record<Urgency, number>>;
  readonly routing?: Routing;
  /** Whether models can be asked beside the task; left out: their default stands. */
  readonly withRemoteModels?: boolean;
}

interface CheckOptions {
  readonly channels: ReadonlyMap<string, ChannelTraits>;
  readonly entities: readonly string[];
}

const segmentShape = compileShape(SegmentSchema, 'a segment');
const modelShape = compileShape(ModelSchema, 'a model');
const capsShape = compileShape(CapsSchema, 'the caps');
const holdoutsShape = compileShape(HoldoutsSchema, 'the hold-outs');

/** A category that hold-outs exempt, and where that is written. */
export interface AskedCategory {
  readonly category: string;
  readonly place: Pick<Problem, 'file' | 'line' | 'column'>;
}

/** Mistakes are added to `errors`; what has one is left out. */
export function checkContext(
  files: ContextFiles,
  options: CheckOptions,
  errors: Problem[],
): { context: RuleContext; expressions: ExpressionCompiler; exempt: readonly AskedCategory[] } {
  const segmentBodies = read(files.segments ?? [], segmentShape, errors);
  const modelBodies = read(files.models ?? [], modelShape, errors);
  const expressions = new ExpressionCompiler({
    channels: [...options.channels.keys()],
    segments: idsOf(segmentBodies),
    models: idsOf(modelBodies),
    remoteModels: idsOf(modelBodies.filter(({ value }) => (value as ModelBody).type !== 'linear')),
  });
  const models = new Map<string, CompiledModel>();
  for (const { document, value, found } of modelBodies) {
    const builder = new RuleBuilder(document, found, expressions);
    const model = compileModel(value as ModelBody, builder);
    if (model !== null) addUnique('model', model, models, builder);
    errors.push(...found);
  }
  const segments = new Map<string, CompiledSegment>();
  for (const { document, value, found } of segmentBodies) {
    const builder = new RuleBuilder(document, found, expressions);
    const segment = compileSegment(value as SegmentBody, builder);
    if (segment !== null) {
      // Who belongs changes with what the models look at, too.
      for (const id of segment.needs.models) builder.needs.add(models.get(id)?.needs ?? new NeedsCollector());
      checkEntity(segment.entity, options.entities, builder);
      addUnique('segment', segment, segments, builder);
    }
    errors.push(...found);
  }
  const { holdouts, exempt } = holdoutsOf(files.holdouts ?? [], options.entities, expressions, errors);
  const context: RuleContext = {
    segments,
    models,
    caps: capsOf(files.caps ?? [], [...options.channels.keys()], expressions, errors),
    holdouts,
    channels: options.channels,
    optIn: new Set(files.optIn ?? []),
    doubleOptIn: new Set(files.doubleOptIn ?? []),
    always: new Set(files.always ?? []),
    validForMs: files.validForMs ?? null,
    routing: files.routing ?? ROUTING,
    deliveriesByName: false,
    withHoldouts: true,
    withRemoteModels: files.withRemoteModels ?? false,
  };
  return { context, expressions, exempt };
}

interface ReadDocument {
  readonly document: SourceDocument;
  readonly value: unknown;
  readonly found: Problem[];
}

function read(
  files: readonly RuleFile[],
  shapeOf: (document: SourceDocument) => Shaped<TSchema>,
  errors: Problem[],
): ReadDocument[] {
  return files.flatMap(({ file, text }) => {
    const { documents, problems } = parseRuleFile(file, text);
    errors.push(...problems);
    return documents.flatMap((document) => {
      const { value, problems: found } = shapeOf(document);
      if (value !== undefined) return [{ document, value, found }];
      errors.push(...found);
      return [];
    });
  });
}

function idsOf(bodies: readonly ReadDocument[]): Set<string> {
  return new Set(bodies.flatMap(({ value }) => (value as { id?: string }).id ?? []));
}

function addUnique<Part extends { readonly id: string }>(
  what: string,
  part: Part,
  parts: Map<string, Part>,
  builder: RuleBuilder,
): void {
  if (part.id === '') return;
  if (parts.has(part.id)) builder.error(['id'], `the ${what} id "${part.id}" is used already`);
  else parts.set(part.id, part);
}

function checkEntity(entity: string, entities: readonly string[], builder: RuleBuilder): void {
  const known = ['user', ...entities];
  if (known.includes(entity)) return;
  builder.error(['entity'], `unknown entity "${entity}"`, didYouMean(entity, known, `known: ${known.join(', ')}`));
}

function capsOf(
  files: readonly RuleFile[],
  channels: readonly string[],
  expressions: ExpressionCompiler,
  errors: Problem[],
): CompiledCap[] {
  return read(files, capsShape, errors).flatMap(({ document, value, found }) => {
    const caps = compileCaps(value as CapsBody, channels, new RuleBuilder(document, found, expressions));
    errors.push(...found);
    return caps;
  });
}

function holdoutsOf(
  files: readonly RuleFile[],
  entities: readonly string[],
  expressions: ExpressionCompiler,
  errors: Problem[],
): { holdouts: readonly GlobalHoldout[]; exempt: readonly AskedCategory[] } {
  const names = new Set<string>();
  const found = read(files, holdoutsShape, errors).map(({ document, value, found }) => {
    const builder = new RuleBuilder(document, found, expressions);
    const { holdouts, exempt } = compileHoldouts(value as HoldoutsBody, { entities, names }, builder);
    errors.push(...found);
    const placed = exempt.map(({ category, path }) => {
      return { category, place: { file: document.file, ...document.place(path) } };
    });
    return { holdouts, exempt: placed };
  });
  return { holdouts: found.flatMap((one) => one.holdouts), exempt: found.flatMap((one) => one.exempt) };
}

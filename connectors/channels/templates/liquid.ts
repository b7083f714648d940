// Liquid, bounded and shut in: no files, no prototypes, limits on source, time, memory and output.
//
// Owns: the engines and their limits, the place of a mistake. Does not own: which templates there are (templates.ts).
//
// Invariants:
//   Q1. Rendering ends, within RENDER_MS_MAX, and gives at most OUTPUT_MAX characters, whatever template and data say.
//   Q2. In HTML every value is escaped, unless the template says `raw`.
//   Q3. What is shown and is not there is told by its text in the template, never by a value; what a template asks for, by `if` or
//       `default`, may be missing.

import { Context, Liquid, type Template as LiquidNode } from 'liquidjs';
import { RecordError } from '../../../lib/errors.ts';
import { inWords, TAGS_OF_FILES } from './liquid-words.ts';

/** Far more than a message needs. */
const SOURCE_MAX = 512 * 1024;
const OUTPUT_MAX = 1024 * 1024;
/** Liquid's own count of what a render allocates: strings joined, lists made. */
const MEMORY_MAX = 10_000_000;
/** Rendering holds up the task; a usual template takes less than a millisecond. */
const RENDER_MS_MAX = 250;
/** Each is found by rendering once more; beyond it the rest is not told. */
const MISSING_MAX = 10;
/** Of what is told of one. */
const MISSING_CHARACTERS_MAX = 100;

/** A mistake in a template's syntax, with its place in the text that was given. */
export class LiquidSyntaxError extends Error {
  override name = 'LiquidSyntaxError';
  readonly line: number;
  readonly column: number;
  readonly hint: string | null;

  constructor(message: string, hint: string | null, line: number, column: number) {
    super(message);
    this.hint = hint;
    this.line = line;
    this.column = column;
  }
}

export type LiquidScope = Readonly<Record<string, unknown>>;

/** Something that a template shows or asks for, with its place in the text that was given. */
export interface LiquidVariable {
  /** Names down to what is shown; what is not written out (`data[name]`) ends it. */
  readonly path: readonly string[];
  readonly line: number;
  readonly column: number;
}

export interface LiquidText {
  /** What is read of the scope, in order; names that the template gives itself are left out. */
  variables(): readonly LiquidVariable[];
  /** Throws RecordError TRG_TEMPLATE_FAILED, whose message holds no data. */
  render(scope: LiquidScope): string;
  /** The same, with what was missing. */
  output(scope: LiquidScope): LiquidOutput;
}

export interface LiquidOutput {
  readonly text: string;
  /** What it shows, as it is written there, and was not there: nothing stands in its place (Q3). */
  readonly missing: readonly string[];
}

export type Escaping = 'html' | 'none';

const engines: Readonly<Record<Escaping, Liquid>> = { html: engine('html'), none: engine('none') };

function engine(escaping: Escaping): Liquid {
  const liquid = new Liquid({
    ownPropertyOnly: true,
    strictFilters: true,
    strictVariables: true,
    lenientIf: true,
    // Dates are written in UTC unless the template names a zone: the same on every machine.
    timezoneOffset: 'UTC',
    parseLimit: SOURCE_MAX,
    renderLimit: RENDER_MS_MAX,
    memoryLimit: MEMORY_MAX,
    ...(escaping === 'html' && { outputEscape: 'escape' }),
  });
  // A template is one file: those that reach for others are unknown tags, found by the check.
  for (const name of TAGS_OF_FILES) delete liquid.tags[name];
  return liquid;
}

/** Throws LiquidSyntaxError. */
export function compileLiquid(source: string, escaping: Escaping): LiquidText {
  const liquid = engines[escaping];
  let nodes: LiquidNode[];
  try {
    nodes = liquid.parse(source);
  } catch (error) {
    throw syntaxErrorOf(error, liquid);
  }
  const output = (scope: LiquidScope): LiquidOutput => {
    const given = rendered(liquid, nodes, scope);
    const { length } = given.text;
    if (length <= OUTPUT_MAX) return given;
    throw new RecordError('TRG_TEMPLATE_FAILED', `template: gives ${length} characters, at most ${OUTPUT_MAX}`);
  };
  return { variables: () => variablesOf(liquid, nodes), render: (scope) => output(scope).text, output };
}

/**
 * Rendered anew for each thing that is missing, all within one limit of time, and once more where that is not enough (Q1): hardly
 * ever is there one.
 */
function rendered(liquid: Liquid, nodes: LiquidNode[], scope: LiquidScope): LiquidOutput {
  const passedOver = new Set<string>();
  const missing = new Set<string>();
  let context: PatientContext | null = null;
  for (let looks = true; ; ) {
    context = new PatientContext({ ...scope }, liquid, passedOver, looks ? context : null);
    context.strictVariables = looks;
    try {
      return { text: liquid.renderSync(nodes, context), missing: [...missing] };
    } catch (error) {
      const isMissing: boolean = looks && messageOf(error) === MISSING;
      if (isMissing) {
        passedOver.add(context.missing!);
        missing.add(textOfMissing(error));
      } else if (!looks || missing.size === 0) {
        throw new RecordError('TRG_TEMPLATE_FAILED', `template: ${messageOf(error)}`);
      }
      looks = isMissing && missing.size < MISSING_MAX;
    }
  }
}

const MISSING = 'what is shown is missing';

/** A context that says what was missing, and passes over what is known to be. */
class PatientContext extends Context {
  /** Path of what was missing last; null: nothing was. */
  missing: string | null = null;
  readonly #passedOver: ReadonlySet<string>;

  /** `before`: of the rendering before this one, whose limits go on. */
  constructor(scope: object, liquid: Liquid, passedOver: ReadonlySet<string>, before: Context | null) {
    const limits = before === null ? {} : { renderLimit: before.renderLimit };
    super(scope, liquid.options, { sync: true }, { ...limits, liquid });
    this.#passedOver = passedOver;
  }

  override *_getFromScope(scope: unknown, paths: (string | number)[] | string): IterableIterator<unknown> {
    const value = yield* super._getFromScope(scope, paths, false) as Generator<unknown, unknown, unknown>;
    const isMissing = value === undefined || value === null;
    if (!isMissing || !this.strictVariables) return value;
    const path = JSON.stringify(paths);
    if (this.#passedOver.has(path)) return value;
    this.missing = path;
    throw new MissingError(MISSING);
  }
}

/** By this name the library tells what may be missing, within `if` and before `default`. */
class MissingError extends Error {
  override name = 'InternalUndefinedVariableError';
}

/** As it is written in the template: a path that is computed would tell a value. */
function textOfMissing(error: unknown): string {
  const { originalError, token } = error as { originalError?: { token?: TextToken }; token?: TextToken };
  const text = (originalError?.token ?? token)?.getText() ?? '';
  return text.length > MISSING_CHARACTERS_MAX ? `${text.slice(0, MISSING_CHARACTERS_MAX)}…` : text;
}

interface TextToken {
  getText(): string;
}

function variablesOf(liquid: Liquid, nodes: LiquidNode[]): LiquidVariable[] {
  const found = Object.values(liquid.analyzeSync(nodes, { partials: false }).globals).flat();
  const variables = found.map(({ segments, location: { row: line, col: column } }): LiquidVariable => {
    const end = segments.findIndex((segment) => typeof segment !== 'string');
    return { path: segments.slice(0, end === -1 ? undefined : end).map(String), line, column };
  });
  return variables.sort((a, b) => a.line - b.line || a.column - b.column);
}

function syntaxErrorOf(error: unknown, { filters, tags }: Liquid): LiquidSyntaxError {
  const position = (error as { token?: { getPosition?(): number[] } }).token?.getPosition?.();
  const words = inWords(messageOf(error), { filters: Object.keys(filters), tags: Object.keys(tags) });
  return new LiquidSyntaxError(words.message, words.hint, position?.[0] ?? 1, position?.[1] ?? 1);
}

/** Without the place, which the caller knows better, and without the lines of context that Liquid adds. */
function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split('\n', 1)[0]!.replace(/, (file:.*, )?line:\d+, col:\d+$/, '');
}

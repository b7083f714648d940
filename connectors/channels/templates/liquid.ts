// Liquid, bounded and shut in: no files, no prototypes, limits on source, time, memory and output.
//
// Owns: the engines and their limits, the place of a mistake. Does not own: which templates there are (templates.ts).
//
// Invariants:
//   Q1. Rendering ends, within RENDER_MS_MAX, and gives at most OUTPUT_MAX characters, whatever template and data say.
//   Q2. In HTML every value is escaped, unless the template says `raw`.

import { Liquid, type Template as LiquidNode } from 'liquidjs';
import { RecordError } from '../../../lib/errors.ts';

/** Far more than a message needs. */
const SOURCE_MAX = 512 * 1024;
const OUTPUT_MAX = 1024 * 1024;
/** Liquid's own count of what a render allocates: strings joined, lists made. */
const MEMORY_MAX = 10_000_000;
/** Rendering holds up the task; a usual template takes less than a millisecond. */
const RENDER_MS_MAX = 250;

/** A mistake in a template's syntax, with its place in the text that was given. */
export class LiquidSyntaxError extends Error {
  override name = 'LiquidSyntaxError';
  readonly line: number;
  readonly column: number;

  constructor(message: string, line: number, column: number) {
    super(message);
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
}

export type Escaping = 'html' | 'none';

const engines: Readonly<Record<Escaping, Liquid>> = { html: engine('html'), none: engine('none') };

function engine(escaping: Escaping): Liquid {
  const liquid = new Liquid({
    ownPropertyOnly: true,
    strictFilters: true,
    // Dates are written in UTC unless the template names a zone: the same on every machine.
    timezoneOffset: 'UTC',
    parseLimit: SOURCE_MAX,
    renderLimit: RENDER_MS_MAX,
    memoryLimit: MEMORY_MAX,
    ...(escaping === 'html' && { outputEscape: 'escape' }),
  });
  // A template is one file: those that reach for others are unknown tags, found by the check.
  for (const name of ['include', 'render', 'layout', 'block']) delete liquid.tags[name];
  return liquid;
}

/** Throws LiquidSyntaxError. */
export function compileLiquid(source: string, escaping: Escaping): LiquidText {
  const liquid = engines[escaping];
  let nodes: LiquidNode[];
  try {
    nodes = liquid.parse(source);
  } catch (error) {
    throw syntaxErrorOf(error);
  }
  return {
    variables: () => variablesOf(liquid, nodes),
    render(scope) {
      let text: string;
      try {
        text = liquid.renderSync(nodes, { ...scope });
      } catch (error) {
        throw new RecordError('TRG_TEMPLATE_FAILED', `template: ${messageOf(error)}`);
      }
      if (text.length > OUTPUT_MAX) {
        throw new RecordError(
          'TRG_TEMPLATE_FAILED',
          `template: gives ${text.length} characters, at most ${OUTPUT_MAX}`,
        );
      }
      return text;
    },
  };
}

function variablesOf(liquid: Liquid, nodes: LiquidNode[]): LiquidVariable[] {
  const found = Object.values(liquid.analyzeSync(nodes, { partials: false }).globals).flat();
  const variables = found.map(({ segments, location: { row: line, col: column } }): LiquidVariable => {
    const end = segments.findIndex((segment) => typeof segment !== 'string');
    return { path: segments.slice(0, end === -1 ? undefined : end).map(String), line, column };
  });
  return variables.sort((a, b) => a.line - b.line || a.column - b.column);
}

function syntaxErrorOf(error: unknown): LiquidSyntaxError {
  const position = (error as { token?: { getPosition?(): number[] } }).token?.getPosition?.();
  return new LiquidSyntaxError(messageOf(error), position?.[0] ?? 1, position?.[1] ?? 1);
}

/** Without the place, which the caller knows better, and without the lines of context that Liquid adds. */
function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split('\n', 1)[0]!.replace(/, (file:.*, )?line:\d+, col:\d+$/, '');
}

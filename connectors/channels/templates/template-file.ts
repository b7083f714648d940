// One template file: Liquid, with front matter for what is not the body.
//
// Owns: front matter, whether the body is HTML, places of mistakes. Does not own: rendering (liquid.ts), which template
// is taken (templates.ts).
//
// Front matter is YAML between two lines of `---` at the top; its fields are Liquid themselves, all but `missing`. A body that
// begins with a tag is HTML and its values are escaped; any other is plain text.

import { isMap, isScalar, parseDocument } from 'yaml';
import { RecordError } from '../../../lib/errors.ts';
import type { Problem } from '../../../lib/problem.ts';
import { didYouMean } from '../../../lib/suggest.ts';
import { YAML_OPTIONS } from '../../../lib/yaml-source.ts';
import { compileLiquid, type Escaping, type LiquidScope, LiquidSyntaxError, type LiquidVariable } from './liquid.ts';

/** What front matter may say beside the body; each is Liquid, and rendered on one line. */
export const FRONT_MATTER = ['subject', 'title', 'url', 'image'] as const;

/** What becomes of a message that shows something which is not there: it goes with nothing in its place, or it fails. */
const MISSING = ['empty', 'strict'] as const;
const NAMES = [...FRONT_MATTER, 'missing'];

export interface Rendered {
  /** Of the front matter, those that are there. */
  readonly fields: Readonly<{ [Name in (typeof FRONT_MATTER)[number]]?: string }>;
  readonly body: string;
  readonly isHtml: boolean;
  /** Whether the template is written as JSON: an object with a name, or a list of objects. */
  readonly isJson: boolean;
  /** What it shows, as it is written there, and was not there. */
  readonly missing: readonly string[];
}

export interface Template {
  readonly file: string;
  /** What it reads of its scope, by the place in the file. */
  variables(): readonly LiquidVariable[];
  /** Throws RecordError TRG_TEMPLATE_FAILED, where it is strict also for what is missing. */
  render(scope: LiquidScope): Rendered;
  /** The same, whatever is missing. */
  trial(scope: LiquidScope): Rendered;
}

/** One template; null when its text has problems, which are added to `problems`. */
export function parseTemplate(file: string, text: string, problems: Problem[]): Template | null {
  const before = problems.length;
  const matter = /^---\n([\s\S]*?\n)?---(?:\n|$)/.exec(text);
  const bodyText = text.slice(matter?.[0].length ?? 0);
  const bodyLine = matter === null ? 0 : matter[0].split('\n').length - 1;
  const isHtml = beginsWithTag(bodyText);
  const isJson = beginsLikeJson(bodyText);

  const compile = (source: string, escaping: Escaping, lineOffset: number, columnOffset = 0) => {
    try {
      return compileLiquid(source, escaping);
    } catch (error) {
      if (!(error instanceof LiquidSyntaxError)) throw error;
      const column = error.line === 1 ? error.column + columnOffset : error.column;
      problems.push({ file, line: error.line + lineOffset, column, message: error.message, hint: error.hint });
      return null;
    }
  };
  const { texts, isStrict } = frontMatter(file, matter?.[1] ?? '', problems);
  const fields = texts.map((field) => ({
    ...field,
    compiled: compile(field.text, 'none', field.line - 1, field.column - 1),
  }));
  const body = compile(bodyText, isHtml ? 'html' : 'none', bodyLine);
  if (body === null || problems.length > before) return null;
  const trial = (scope: LiquidScope): Rendered => {
    const outputs = fields.map(({ name, compiled }) => [name, compiled!.output(scope)] as const);
    const { text: rendered, missing: ofBody } = body.output(scope);
    const missing = [...new Set([...outputs.flatMap(([, output]) => output.missing), ...ofBody])];
    const lines = Object.fromEntries(outputs.map(([name, output]) => [name, oneLine(output.text)]));
    return { fields: lines, body: rendered, isHtml, isJson, missing };
  };
  return {
    file,
    trial,
    variables: () => [
      ...fields.flatMap(({ compiled, line, column }) =>
        compiled!.variables().map((found) => ({
          ...found,
          line: found.line + line - 1,
          column: found.line === 1 ? found.column + column - 1 : found.column,
        })),
      ),
      ...body.variables().map((found) => ({ ...found, line: found.line + bodyLine })),
    ],
    render: (scope) => {
      const rendered = trial(scope);
      if (isStrict && rendered.missing.length > 0) throw notThere(file, rendered.missing);
      return rendered;
    },
  };
}

function notThere(file: string, missing: readonly string[]): RecordError {
  const name = file.split(/[\\/]/).slice(-2).join('/');
  const message = `template ${name} shows ${missing.join(', ')}, which is not there, and says missing: strict`;
  return new RecordError('TRG_TEMPLATE_FAILED', message);
}

/** Whether it is HTML; Liquid tags before the first HTML tag, such as an assign, do not count. */
function beginsWithTag(body: string): boolean {
  return /^\s*<(!doctype\s|!--|[a-z])/i.test(withoutTags(body));
}

function beginsLikeJson(body: string): boolean {
  return /^\s*(\{\s*"|\[\s*\{(?!\{))/.test(withoutTags(body));
}

function withoutTags(body: string): string {
  return body.replaceAll(/\{%[\s\S]*?%\}/g, '');
}

/** Whatever the data holds: a line break in it would begin another header. */
function oneLine(text: string): string {
  return text.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim();
}

interface FieldText {
  readonly name: string;
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

/** Its fields, with the places of their texts; the front matter begins in the file's second line. */
function frontMatter(
  file: string,
  yaml: string,
  problems: Problem[],
): { readonly texts: readonly FieldText[]; readonly isStrict: boolean } {
  const place = (offset: number): { line: number; column: number } => {
    const lines = yaml.slice(0, offset).split('\n');
    return { line: lines.length + 1, column: lines.at(-1)!.length + 1 };
  };
  const document = parseDocument(yaml, YAML_OPTIONS);
  for (const error of document.errors) {
    const hint = yaml.includes('{{') ? 'text that begins with {{ must be in quotes' : null;
    // Without the place, which is said already, and the lines that show it.
    const message = error.message.split('\n', 1)[0]!.replace(/ at line \d+, column \d+:?$/, '');
    problems.push({ file, ...place(error.pos[0]), message: `front matter: ${message}`, hint });
  }
  const found: FieldText[] = [];
  let isStrict = false;
  if (document.errors.length > 0 || document.contents === null) return { texts: found, isStrict };
  const fields = isMap(document.contents) ? document.contents.items : [];
  if (!isMap(document.contents)) {
    problems.push({ file, ...place(0), message: 'front matter must be a mapping', hint: '`subject: …`' });
  }
  for (const { key, value } of fields) {
    const name = isScalar(key) ? String(key.value) : String(key);
    const at = (node: unknown): number => (node as { range?: readonly number[] } | null)?.range?.[0] ?? 0;
    if (!NAMES.includes(name)) {
      const hint = didYouMean(name, NAMES, `known here: ${NAMES.join(', ')}`);
      problems.push({ file, ...place(at(key)), message: `unknown field "${name}"`, hint });
    } else if (name === 'missing') {
      const policy = isScalar(value) ? String(value.value) : '';
      isStrict = policy === 'strict';
      if (!(MISSING as readonly string[]).includes(policy)) {
        const hint = didYouMean(policy, MISSING, 'empty: it shows nothing, and is counted; strict: the message fails');
        problems.push({ file, ...place(at(value ?? key)), message: `"missing" is ${MISSING.join(' or ')}`, hint });
      }
    } else if (isScalar(value) && typeof value.value === 'string') {
      const quoted = value.type === 'QUOTE_DOUBLE' || value.type === 'QUOTE_SINGLE' ? 1 : 0;
      found.push({ name, text: value.value, ...place(at(value) + quoted) });
    } else {
      const hint = yaml.includes('{{') ? 'text that begins with {{ must be in quotes' : null;
      problems.push({ file, ...place(at(value ?? key)), message: `"${name}" must be text`, hint });
    }
  }
  return { texts: found, isStrict };
}

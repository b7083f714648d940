// One template file: Liquid, with front matter for what is not the body.
//
// Owns: front matter, whether the body is HTML, places of mistakes. Does not own: rendering (liquid.ts), which template
// is taken (templates.ts).
//
// Front matter is YAML between two lines of `---` at the top; its fields are Liquid themselves. A body that
// begins with a tag is HTML and its values are escaped; any other is plain text.

import { isMap, isScalar, parseDocument } from 'yaml';
import type { Problem } from '../../../lib/problem.ts';
import { didYouMean } from '../../../lib/suggest.ts';
import { YAML_OPTIONS } from '../../../lib/yaml-source.ts';
import { compileLiquid, type Escaping, type LiquidScope, LiquidSyntaxError, type LiquidVariable } from './liquid.ts';

/** What front matter may say beside the body; each is Liquid, and rendered on one line. */
export const FRONT_MATTER = ['subject', 'title', 'url', 'image'] as const;

export interface Rendered {
  /** Of the front matter, those that are there. */
  readonly fields: Readonly<{ [Name in (typeof FRONT_MATTER)[number]]?: string }>;
  readonly body: string;
  readonly isHtml: boolean;
  /** Whether the template is written as JSON: an object with a name, or a list of objects. */
  readonly isJson: boolean;
}

export interface Template {
  readonly file: string;
  /** What it reads of its scope, by the place in the file. */
  variables(): readonly LiquidVariable[];
  /** Throws RecordError TRG_TEMPLATE_FAILED. */
  render(scope: LiquidScope): Rendered;
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
      problems.push({ file, line: error.line + lineOffset, column, message: error.message, hint: null });
      return null;
    }
  };
  const fields = frontMatter(file, matter?.[1] ?? '', problems).map((field) => ({
    ...field,
    compiled: compile(field.text, 'none', field.line - 1, field.column - 1),
  }));
  const body = compile(bodyText, isHtml ? 'html' : 'none', bodyLine);
  if (body === null || problems.length > before) return null;
  return {
    file,
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
    render: (scope) => ({
      fields: Object.fromEntries(fields.map(({ name, compiled }) => [name, oneLine(compiled!.render(scope))])),
      body: body.render(scope),
      isHtml,
      isJson,
    }),
  };
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

/** Its fields, with the places of their texts; the front matter begins in the file's second line. */
function frontMatter(
  file: string,
  yaml: string,
  problems: Problem[],
): { name: string; text: string; line: number; column: number }[] {
  const place = (offset: number): { line: number; column: number } => {
    const lines = yaml.slice(0, offset).split('\n');
    return { line: lines.length + 1, column: lines.at(-1)!.length + 1 };
  };
  const document = parseDocument(yaml, YAML_OPTIONS);
  for (const error of document.errors) {
    const hint = yaml.includes('{{') ? 'text that begins with {{ must be in quotes' : null;
    problems.push({ file, ...place(error.pos[0]), message: error.message, hint });
  }
  if (document.errors.length > 0 || document.contents === null) return [];
  const fields = isMap(document.contents) ? document.contents.items : [];
  if (!isMap(document.contents)) {
    problems.push({ file, ...place(0), message: 'front matter must be a mapping', hint: '`subject: …`' });
  }
  const found: { name: string; text: string; line: number; column: number }[] = [];
  for (const { key, value } of fields) {
    const name = isScalar(key) ? String(key.value) : String(key);
    const at = (node: unknown): number => (node as { range?: readonly number[] } | null)?.range?.[0] ?? 0;
    if (!(FRONT_MATTER as readonly string[]).includes(name)) {
      const hint = didYouMean(name, FRONT_MATTER, `known here: ${FRONT_MATTER.join(', ')}`);
      problems.push({ file, ...place(at(key)), message: `unknown field "${name}"`, hint });
    } else if (isScalar(value) && typeof value.value === 'string') {
      const quoted = value.type === 'QUOTE_DOUBLE' || value.type === 'QUOTE_SINGLE' ? 1 : 0;
      found.push({ name, text: value.value, ...place(at(value) + quoted) });
    } else {
      const hint = yaml.includes('{{') ? 'text that begins with {{ must be in quotes' : null;
      problems.push({ file, ...place(at(value ?? key)), message: `"${name}" must be text`, hint });
    }
  }
  return found;
}

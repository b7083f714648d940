// One template file: Liquid, with front matter for what is not the body.
//
// Owns: front matter, whether the body is HTML, places of mistakes. Does not own: rendering (liquid.ts), which template
// is taken (templates.ts).
//
// Front matter is YAML between two lines of `---` at the top; its one field is `subject`, Liquid itself. A body that
// begins with a tag is HTML and its values are escaped; any other is plain text.

import { isMap, isScalar, parseDocument } from 'yaml';
import type { Problem } from '../../../lib/problem.ts';
import { didYouMean } from '../../../lib/suggest.ts';
import { YAML_OPTIONS } from '../../../lib/yaml-source.ts';
import { compileLiquid, type Escaping, type LiquidScope, LiquidSyntaxError, type LiquidText } from './liquid.ts';

export interface Rendered {
  readonly subject: string | null;
  readonly body: string;
  readonly isHtml: boolean;
}

export interface Template {
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
  let subject: LiquidText | null = null;
  for (const field of frontMatter(file, matter?.[1] ?? '', problems)) {
    subject = compile(field.subject, 'none', field.line - 1, field.column - 1);
  }
  const body = compile(bodyText, isHtml ? 'html' : 'none', bodyLine);
  if (body === null || problems.length > before) return null;
  return {
    render: (scope) => ({
      subject: subject === null ? null : oneLine(subject.render(scope)),
      body: body.render(scope),
      isHtml,
    }),
  };
}

/** Whether it is HTML; Liquid tags before the first HTML tag, such as an assign, do not count. */
function beginsWithTag(body: string): boolean {
  return /^\s*<(!doctype\s|!--|[a-z])/i.test(body.replaceAll(/\{%[\s\S]*?%\}/g, ''));
}

/** Whatever the data holds: a line break in it would begin another header. */
function oneLine(text: string): string {
  return text.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim();
}

/** The subject, if there is one, with the place of its text; the front matter begins in the file's second line. */
function frontMatter(
  file: string,
  yaml: string,
  problems: Problem[],
): { subject: string; line: number; column: number }[] {
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
  const subjects: { subject: string; line: number; column: number }[] = [];
  for (const { key, value } of fields) {
    const name = isScalar(key) ? String(key.value) : String(key);
    const at = (node: unknown): number => (node as { range?: readonly number[] } | null)?.range?.[0] ?? 0;
    if (name !== 'subject') {
      const hint = didYouMean(name, ['subject'], 'known here: subject');
      problems.push({ file, ...place(at(key)), message: `unknown field "${name}"`, hint });
    } else if (isScalar(value) && typeof value.value === 'string') {
      const quoted = value.type === 'QUOTE_DOUBLE' || value.type === 'QUOTE_SINGLE' ? 1 : 0;
      subjects.push({ subject: value.value, ...place(at(value) + quoted) });
    } else {
      const hint = yaml.includes('{{') ? 'text that begins with {{ must be in quotes' : null;
      problems.push({ file, ...place(at(value ?? key)), message: '"subject" must be text', hint });
    }
  }
  return subjects;
}

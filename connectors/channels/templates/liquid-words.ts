// Liquid's mistakes in the words in which `check` speaks of all others: what, and how to mend it.
//
// Owns: the words. Does not own: the place (liquid.ts). What the library comes to say that is not here is passed on as it is.

import { didYouMean } from '../../../lib/suggest.ts';

export interface Words {
  readonly message: string;
  readonly hint: string | null;
}

/** Tags that reach for other files. */
export const TAGS_OF_FILES: readonly string[] = ['include', 'render', 'layout', 'block'];

const BLOCKS: readonly string[] = ['if', 'unless', 'case', 'for', 'tablerow', 'capture', 'comment', 'raw', 'liquid'];

/** How a tag is written, for who wrote it otherwise. */
const FORMS: Readonly<Record<string, string>> = {
  for: '{% for item in data.items %}',
  tablerow: '{% tablerow item in data.items cols: 2 %}',
  assign: '{% assign name = data.name %}',
  capture: '{% capture name %}',
  cycle: "{% cycle 'odd', 'even' %}",
  increment: '{% increment counter %}',
  decrement: '{% decrement counter %}',
};

interface Known {
  readonly filters: readonly string[];
  readonly tags: readonly string[];
}

type Rule = readonly [RegExp, (part: string, known: Known) => Words];

const RULES: readonly Rule[] = [
  [/^output (.+) not closed$/, (part) => ({ message: `${part} is not closed`, hint: 'what is shown ends with }}' })],
  [/^tag (".+") not closed$/, (part) => ({ message: `${part} is not closed`, hint: 'a tag ends with %}' })],
  [
    /^(?:tag|raw) (.+) not closed$/,
    (part) => ({ message: `${part} is not closed`, hint: `add {% end${tagIn(part)} %}` }),
  ],
  [
    /^undefined filter: (.+)$/,
    (name, { filters }) => ({
      message: `unknown filter "${name}"`,
      hint: didYouMean(name, filters, 'such as upcase, default, date, escape'),
    }),
  ],
  [/^tag "(.+)" not found$/, unknownTag],
  [/^illegal tag: (.+)$/, (part) => ({ message: `${part} says too little, or too much`, hint: formOf(tagIn(part)) })],
  [/^empty candidates: "?(.+?)"?$/, (part) => ({ message: `${part} says too little`, hint: formOf(tagIn(part)) })],
  [
    /^unexpected token (.*), value expected$/,
    (part) => ({
      message: part === '""' ? 'a value is missing here' : `${part} is no value`,
      hint: 'such as data.name, "text" or 5',
    }),
  ],
  [
    /^invalid value expression: (.*)$/,
    (part) => ({
      message: part === '""' ? 'a value is missing here' : `${part} is no value`,
      hint: 'such as data.name, "text" or 5',
    }),
  ],
  [/^unexpected character (.*)$/, (part) => ({ message: `${part} cannot stand here`, hint: 'filters follow a |' })],
  [
    /^expected (":") after filter name$/,
    () => ({ message: 'a filter has its values after a colon', hint: 'such as | truncate: 20' }),
  ],
  [/^(invalid range syntax)$/, () => ({ message: 'this is no range', hint: 'such as (1..5)' })],
  [
    /^(parse length limit exceeded)$/,
    () => ({ message: 'the template is too long', hint: 'at most 524288 characters' }),
  ],
];

export function inWords(text: string, known: Known): Words {
  for (const [pattern, words] of RULES) {
    const found = pattern.exec(text);
    if (found !== null) return words(found[1]!, known);
  }
  return { message: text, hint: null };
}

function unknownTag(name: string, { tags }: Known): Words {
  if (TAGS_OF_FILES.includes(name)) {
    return { message: `the tag "${name}" is not available`, hint: 'a template is one file, and reaches for no other' };
  }
  const opened = name.startsWith('end') ? name.slice(3) : '';
  if (BLOCKS.includes(opened)) {
    return { message: `{% ${name} %} closes nothing`, hint: `there is no {% ${opened} %} before it that is open` };
  }
  if (['else', 'elsif', 'when'].includes(name)) {
    return { message: `{% ${name} %} belongs to nothing`, hint: 'it stands within {% if %} or {% case %}' };
  }
  return { message: `unknown tag "${name}"`, hint: didYouMean(name, tags, 'such as if, for, assign, capture') };
}

function tagIn(text: string): string {
  return /\{%-?\s*(\w+)/.exec(text)?.[1] ?? '';
}

function formOf(tag: string): string | null {
  const form = FORMS[tag];
  return form === undefined ? null : `such as ${form}`;
}

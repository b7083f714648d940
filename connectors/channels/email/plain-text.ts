// The plain-text alternative of an HTML message, by the package html-to-text.
//
// Owns: what each element becomes, bounds. Does not own: reading HTML.
//
// Invariants:
//   P1. Nothing is fetched, and whatever the HTML, it takes a fraction of a second: what comes after INPUT_MAX characters,
//       or is deeper inside of other elements than any message, is left out, which three dots say.

import { compile, type FormatCallback, type SelectorDefinition } from 'html-to-text';

/** Two and a half times what mail programs show of a message. */
const INPUT_MAX = 250_000;
/** Tables for layout go some thirty deep. */
const DEPTH_MAX = 256;
/** Elements that are begun and not ended, at a place; the library's time grows with the square of their number. */
const OPEN_MAX = 1_000;
/** Begins and ends of elements, but for those that end by themselves. */
const TAGS = /<(\/?)((?!(?:br|hr|img|input|link|meta|wbr|col|p|li|d[dt]|t[drh]|thead|tbody|tfoot|option)\b)[a-z]+)/gi;
const ELLIPSIS = '...';

/** A paragraph of its own. */
const apart = { leadingLineBreaks: 2, trailingLineBreaks: 2 };
/** A line of its own. */
const line = { leadingLineBreaks: 1, trailingLineBreaks: 1 };

/** What an image says to whoever does not see it; those that say nothing are there to count who reads. */
const alternative: FormatCallback = ({ attribs }, _walk, builder) => {
  builder.addInline(attribs?.['alt'] ?? '');
};

const selectors: SelectorDefinition[] = [
  ...['head', 'title', 'template'].map((selector) => ({ selector, format: 'skip' })),
  ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((selector) => ({ selector, options: { ...apart, uppercase: false } })),
  { selector: 'ul', options: { ...apart, itemPrefix: '- ' } },
  { selector: 'ol', options: apart },
  { selector: 'table', options: apart },
  { selector: 'tr', format: 'block', options: line },
  ...['td', 'th'].map((selector) => ({ selector, format: 'inlineSurround', options: { suffix: ' ' } })),
  { selector: 'hr', options: { ...line, length: 3 } },
  { selector: 'img', format: 'alternative' },
  {
    selector: 'a',
    options: { linkBrackets: ['(', ')'], hideLinkHrefIfSameAsText: true, pathRewrite: webAddress },
  },
];

const convert = compile({
  wordwrap: false,
  baseElements: { selectors: [] },
  limits: { maxInputLength: INPUT_MAX, maxDepth: DEPTH_MAX, ellipsis: ELLIPSIS },
  formatters: { alternative },
  selectors,
});

export function plainText(html: string): string {
  const end = Math.min(INPUT_MAX, tooDeepAt(html));
  const isCut = html.length > end;
  const text = convert(isCut ? html.slice(0, end) : html);
  return (isCut ? `${text}\n${ELLIPSIS}` : text)
    .replaceAll('\u00a0', ' ')
    .split('\n')
    .map(tidy)
    .join('\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim();
}

/** A line without spaces at its end, which an expression would look for in time that grows with their square. */
function tidy(text: string): string {
  // The library sets the numbers of a list in by one.
  return text.trimEnd().replace(/^ (?=\d+\. )/, '');
}

/** Where more elements are open than in any message (P1); Infinity: nowhere. */
function tooDeepAt(html: string): number {
  const openOf = new Map<string, number>();
  let open = 0;
  for (const { 1: slash, 2: name, index } of html.matchAll(TAGS)) {
    const element = name!.toLowerCase();
    const known = openOf.get(element) ?? 0;
    // An end without its beginning ends nothing.
    if (slash !== '' && known === 0) continue;
    const step = slash === '' ? 1 : -1;
    openOf.set(element, known + step);
    open += step;
    if (open > OPEN_MAX) return index;
  }
  return Number.POSITIVE_INFINITY;
}

/** Others than these, such as places within the page, mean nothing in plain text. Of `mailto:` the address is left. */
function webAddress(href: string): string {
  return /^(https?:|tel:|[^\s:/?#]+@)/i.test(href) ? href : '';
}

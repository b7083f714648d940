// The plain-text alternative of an HTML message. One pass, so that its time is in proportion to the message's length.

/** Elements whose content is not shown. */
const HIDDEN = new Set(['head', 'style', 'script', 'title', 'template']);
/** What stands in the place of an element's end; a name with a slash is the end tag. */
const BREAKS: Readonly<Record<string, string>> = {
  br: '\n',
  hr: '\n---\n',
  li: '\n- ',
  '/tr': '\n',
  '/td': ' ',
  '/th': ' ',
  '/ul': '\n\n',
  '/ol': '\n\n',
  '/p': '\n\n',
  '/div': '\n',
  '/table': '\n\n',
  '/h1': '\n\n',
  '/h2': '\n\n',
  '/h3': '\n\n',
  '/h4': '\n\n',
};
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' };

export function plainText(html: string): string {
  const lower = html.toLowerCase();
  let text = '';
  /** The link being read: its address, and where its words begin in `text`. */
  let link: { href: string; from: number } | null = null;
  let at = 0;
  while (at < html.length) {
    const tagAt = html.indexOf('<', at);
    text += wordsOf(html.slice(at, tagAt < 0 ? html.length : tagAt));
    if (tagAt < 0) break;
    if (html.startsWith('<!--', tagAt)) {
      at = after(html, '-->', tagAt);
      continue;
    }
    at = after(html, '>', tagAt);
    const tag = html.slice(tagAt + 1, at - 1);
    const name = /^\/?[a-z][a-z0-9]*/i.exec(tag)?.[0].toLowerCase() ?? '';
    if (HIDDEN.has(name)) at = after(lower, `</${name}>`, at);
    text += BREAKS[name] ?? '';
    if (name === 'a') {
      link = { href: hrefOf(tag), from: text.length };
    } else if (name === '/a' && link !== null) {
      if (link.href !== '' && text.slice(link.from).trim() !== link.href) text += ` (${link.href})`;
      link = null;
    }
  }
  return text
    .split('\n')
    .map((line) => line.trim())
    .join('\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim();
}

/** Where what follows `end` begins; the end of the text when it does not occur. */
function after(text: string, end: string, from: number): number {
  const found = text.indexOf(end, from);
  return found < 0 ? text.length : found + end.length;
}

function wordsOf(html: string): string {
  return decoded(html.replaceAll(/\s+/g, ' '));
}

/** The web address of a link; others, such as anchors within the page, mean nothing in plain text. */
function hrefOf(tag: string): string {
  const value = /\shref\s*=\s*(?:"([^"]*)"|'([^']*)')/i.exec(tag);
  const href = decoded(value?.[1] ?? value?.[2] ?? '');
  return /^(https?|mailto|tel):/i.test(href) ? href : '';
}

function decoded(html: string): string {
  return html.replaceAll(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,6}));/gi, (whole, decimal, hex, name) => {
    if (name !== undefined) return ENTITIES[name.toLowerCase()] ?? whole;
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

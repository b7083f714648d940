// A mail's HTML with its links leading over ours, and the pixel that is loaded when it is opened.
//
// Invariants:
//   T1. Nothing else of the HTML changes, not a space: it is the author's.
//   T2. Only http and https links of <a href> change. Links with the attribute `data-no-track`, and ours, lead where they say.

import { Parser } from 'htmlparser2';

export interface Tracking {
  /** The link over which this one is followed; null: links are left as they are. */
  readonly clickUrl: ((url: string) => string) | null;
  /** Of the pixel; null: none. */
  readonly openUrl: string | null;
  /** Links that begin so are ours. */
  readonly publicUrl: string;
}

interface Change {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

export function trackedHtml(html: string, { clickUrl, openUrl, publicUrl }: Tracking): string {
  const changes: Change[] = [];
  let bodyEnd = html.length;
  const parser = new Parser({
    onopentag(name, attributes) {
      if (name !== 'a' || clickUrl === null) return;
      const { href } = attributes;
      const isOurs = href?.startsWith(`${publicUrl}/`) === true;
      if (href === undefined || isOurs || 'data-no-track' in attributes || !/^https?:\/\//i.test(href)) return;
      const tag = html.slice(parser.startIndex, parser.endIndex + 1);
      const found = /\shref\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+)/i.exec(tag);
      if (found === null) return;
      const valueAt = parser.startIndex + found.index + found[0].length - found[1]!.length;
      changes.push({ from: valueAt, to: valueAt + found[1]!.length, text: `"${clickUrl(href)}"` });
    },
    onclosetag(name, isImplied) {
      if (name === 'body' && !isImplied) bodyEnd = parser.startIndex;
    },
  });
  parser.write(html);
  parser.end();
  if (openUrl !== null) {
    const pixel = `<img src="${openUrl}" width="1" height="1" alt="" style="display:block;border:0">`;
    changes.push({ from: bodyEnd, to: bodyEnd, text: pixel });
  }
  let text = '';
  let at = 0;
  for (const { from, to, text: changed } of changes.sort((a, b) => a.from - b.from)) {
    text += html.slice(at, from) + changed;
    at = to;
  }
  return text + html.slice(at);
}

// A flow's graph as a picture: SVG that needs nothing else, in light and dark.
//
// Invariants:
//   S1. What rules say is escaped: the picture holds no more than text wherever it is shown.
//   S2. The same rule gives the same bytes.

import { END } from '../../rules/flows/step.ts';
import type { FlowBox, FlowGraph } from './flow-graph.ts';
import { type Layout, layoutOf, type Place, type PlacedArrow } from './svg-layout.ts';

/** Pixels. A line of a box holds LINE_CHARACTERS of its 12 px type. */
const BOX_WIDTH = 220;
const COLUMN_WIDTH = 252;
const LINE_HEIGHT = 17;
const PADDING = 10;
/** Between rows: room for the words of an arrow, and for arrows that come together. */
const GAP = 52;
const MARGIN = 24;
const LINE_CHARACTERS = 30;
/** More than this of a condition is in the tooltip. */
const LINES_MAX = 5;
/** Of each thing that ends the flow. */
const END_LINES_MAX = 3;
const ARROW_CHARACTERS = 32;

const STYLE = `
svg { color-scheme: light dark }
.page { fill: #fff } text { font: 12px system-ui, sans-serif; fill: #1d2733 } .name { font-weight: 700 }
.box { fill: #f4f6f9; stroke: #7a8899 } .send { fill: #e4efff; stroke: #2f6fde } .wait, .waitFor, .review { fill: #fff4dc; stroke: #b07a00 }
.branch, .choose { fill: #f0e9ff; stroke: #7650c0 } .ends { stroke-dasharray: 5 4 } .arrow { fill: none; stroke: #5a6878 }
.tip { fill: #5a6878 } .word { paint-order: stroke; stroke: #fff; stroke-width: 4px; stroke-linejoin: round }
@media (prefers-color-scheme: dark) {
.page { fill: #14191f } text { fill: #e6ebf1 } .box { fill: #222a33; stroke: #8796a8 } .send { fill: #16294a; stroke: #6ea0ff }
.wait, .waitFor, .review { fill: #3a2c0c; stroke: #e0aa3c } .branch, .choose { fill: #2b2047; stroke: #a98bf0 }
.arrow { stroke: #9aa8b8 } .tip { fill: #9aa8b8 } .word { stroke: #14191f }
}
`;

export function svgOf(graph: FlowGraph): string {
  const layout = layoutOf(graph);
  const lines = graph.boxes.map(linesOf);
  const startLines = cut(
    [{ text: graph.rule, isName: true }, ...wrapped(graph.description ?? '').map((text) => ({ text, isName: false }))],
    LINES_MAX,
  );
  const endLines = graph.ends.length === 0 ? [] : ends(graph);
  const tops = topsOf(layout, [startLines, endLines], lines);
  const columns = layout.columns + (endLines.length > 0 ? 1 : 0);
  const width = columns * COLUMN_WIDTH + 2 * MARGIN;
  const height = tops.at(-1)! + MARGIN;
  const parts: string[] = layout.arrows.map((arrow) => arrowOf(arrow, layout, tops, [startLines, lines]));
  parts.push(boxOf(layout.start, startLines, 'box', tops, fullText([graph.rule, graph.description])));
  if (endLines.length > 0) {
    const place = { x: layout.columns + 0.5, row: 0 };
    const y = tops[0]! + heightOf(startLines) / 2;
    parts.push(
      `<path class="arrow ends" d="M${xOf(layout.start) + BOX_WIDTH / 2} ${y}H${xOf(place) - BOX_WIDTH / 2}"/>`,
      boxOf(place, endLines, 'box ends', tops, fullText(graph.ends)),
    );
  }
  for (const [number, box] of graph.boxes.entries()) {
    const full = fullText([box.name, box.words, ...box.notes]);
    parts.push(boxOf(layout.places[number]!, lines[number]!, `box ${box.kind}`, tops, full));
  }
  if (layout.end !== null) parts.push(boxOf(layout.end, [{ text: 'completed', isName: false }], 'box', tops, ''));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>${escaped(graph.rule)}</title>
<style>${STYLE}</style>
<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path class="tip" d="M0 0L8 4L0 8z"/></marker></defs>
<rect class="page" width="${width}" height="${height}"/>
${parts.join('\n')}
</svg>
`;
}

interface Line {
  readonly text: string;
  readonly isName: boolean;
}

function linesOf({ name, words, notes }: FlowBox): readonly Line[] {
  const plain = [words, ...notes].flatMap((text) => wrapped(text)).map((text) => ({ text, isName: false }));
  return cut([...(name === null ? [] : [{ text: name, isName: true }]), ...plain], LINES_MAX);
}

function ends({ ends: all }: FlowGraph): readonly Line[] {
  const each = all.map((text) => wrapped(text).map((line) => ({ text: line, isName: false })));
  return [{ text: 'Ends it at once', isName: true }, ...each.flatMap((lines) => cut(lines, END_LINES_MAX))];
}

function cut(lines: readonly Line[], most: number): readonly Line[] {
  const kept = lines.slice(0, most).map(({ text, isName }) => ({ text: shortened(text, LINE_CHARACTERS), isName }));
  return lines.length > most ? [...kept.slice(0, -1), { text: '…', isName: false }] : kept;
}

/** The top of each row, and the bottom of the last; a row is as high as its highest box. */
function topsOf(
  layout: Layout,
  [start, end]: readonly [readonly Line[], readonly Line[]],
  lines: readonly (readonly Line[])[],
) {
  const heights = Array.from({ length: layout.rows }, () => LINE_HEIGHT + 2 * PADDING);
  heights[0] = Math.max(heightOf(start), heightOf(end));
  for (const [number, { row }] of layout.places.entries()) {
    heights[row] = Math.max(heights[row]!, heightOf(lines[number]!));
  }
  const tops = [MARGIN];
  for (const [row, height] of heights.entries()) {
    tops.push(tops[row]! + height + (row < heights.length - 1 ? GAP : 0));
  }
  return tops;
}

function heightOf({ length }: readonly Line[]): number {
  return length * LINE_HEIGHT + 2 * PADDING;
}

function xOf({ x }: Pick<Place, 'x'>): number {
  return MARGIN + x * COLUMN_WIDTH;
}

function boxOf(place: Place, lines: readonly Line[], kind: string, tops: readonly number[], full: string): string {
  const x = xOf(place);
  const y = tops[place.row]!;
  const texts = lines.map(({ text, isName }, index) => {
    const line = y + PADDING + (index + 0.75) * LINE_HEIGHT;
    return `<text x="${x}" y="${line}" text-anchor="middle"${isName ? ' class="name"' : ''}>${escaped(text)}</text>`;
  });
  const title = full === '' ? '' : `<title>${escaped(full)}</title>`;
  const size = `x="${x - BOX_WIDTH / 2}" y="${y}" width="${BOX_WIDTH}" height="${heightOf(lines)}" rx="6"`;
  return `<g>${title}<rect class="${kind}" ${size}/>${texts.join('')}</g>`;
}

/** Down from its box, across to its column, down, and across to where it leads. */
function arrowOf(
  { from, to, x, word }: PlacedArrow,
  layout: Layout,
  tops: readonly number[],
  [start, lines]: readonly [readonly Line[], readonly (readonly Line[])[]],
): string {
  const source = from === null ? layout.start : layout.places[from]!;
  const target = to === END ? layout.end! : layout.places[to]!;
  const own = from === null ? start : lines[from]!;
  const bottom = tops[source.row]! + heightOf(own);
  const [turn, top] = [tops[source.row + 1]! - GAP + 12, tops[target.row]!];
  const [sourceX, laneX, targetX] = [xOf(source), xOf({ x }), xOf(target)];
  const path = [`M${sourceX} ${bottom}`];
  if (laneX !== sourceX) path.push(`V${turn}`, `H${laneX}`);
  if (targetX !== laneX) path.push(`V${top - 14}`, `H${targetX}`);
  path.push(`V${top}`);
  const line = `<path class="arrow" marker-end="url(#tip)" d="${path.join('')}"/>`;
  if (word === null) return line;
  const text = escaped(shortened(word, ARROW_CHARACTERS));
  return `${line}<text class="word" x="${laneX + 6}" y="${turn + 15}"><title>${escaped(word)}</title>${text}</text>`;
}

function fullText(lines: readonly (string | null)[]): string {
  return lines.filter((line) => line !== null).join('\n');
}

/** Lines of at most LINE_CHARACTERS, broken between words where there are some. */
function wrapped(text: string): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > LINE_CHARACTERS) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return line === '' ? lines : [...lines, line];
}

function shortened(text: string, most: number): string {
  if (widthOf(text) <= most) return text;
  let kept = '';
  for (const character of text) {
    if (widthOf(kept) + widthOf(character) > most - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

/** In characters of common width: those of Chinese, Japanese and Korean, and signs, are twice as wide. */
function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += character.codePointAt(0)! >= 0x1100 ? 2 : 1;
  return width;
}

/** Without characters that no XML may have. */
function escaped(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

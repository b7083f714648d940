// A flow's graph as a Mermaid flowchart.
//
// Invariants:
//   M1. What rules say stands in quotes, and without any character by which Mermaid, or a page that shows it, would read more
//       than text.

import { END } from '../../rules/flows/step.ts';
import type { FlowBox, FlowGraph } from './flow-graph.ts';

/** Around the text of a box, by the kind of its step; all others are plain boxes. */
const SHAPES: Readonly<Record<string, readonly [string, string]>> = {
  wait: ['{{', '}}'],
  waitFor: ['{{', '}}'],
  review: ['{{', '}}'],
  branch: ['{', '}'],
  choose: ['{', '}'],
  set: ['[[', ']]'],
  emit: ['[[', ']]'],
  exit: ['([', '])'],
};
const PLAIN = ['[', ']'] as const;

export function mermaidOf({ rule, description, boxes, ends }: FlowGraph): string {
  const lines = ['flowchart TD', `  start([${quoted([rule, ...(description === null ? [] : [description])])}])`];
  for (const box of boxes) {
    const [open, close] = SHAPES[box.kind] ?? PLAIN;
    lines.push(`  ${idOf(box.number)}${open}${quoted(textOf(box))}${close}`);
  }
  const arrows = [
    `  start --> ${idOf(boxes.length === 0 ? END : 0)}`,
    ...boxes.flatMap(({ number, arrows: own }) =>
      own.map(({ word, to }) => `  ${idOf(number)} -->${word === null ? '' : `|${quoted([word])}|`} ${idOf(to)}`),
    ),
  ];
  if (arrows.some((arrow) => arrow.endsWith(` ${idOf(END)}`))) lines.push(`  ${idOf(END)}([${quoted(['completed'])}])`);
  lines.push(...arrows);
  if (ends.length > 0) lines.push(`  ended[/${quoted(['Ends it at once:', ...ends])}/]`, '  start -.-> ended');
  return `${lines.join('\n')}\n`;
}

/** "end" alone is a word of Mermaid's. */
function idOf(step: number): string {
  return step === END ? 'completed' : `s${step}`;
}

function textOf({ name, words, notes }: FlowBox): readonly string[] {
  return [...(name === null ? [] : [name]), words, ...notes];
}

/** As entities of Mermaid's own, which it turns back once the diagram is parsed. */
function quoted(lines: readonly string[]): string {
  return `"${lines.map(escaped).join('<br/>')}"`;
}

/** A colon goes too: Mermaid takes `style …:…#…;`, wherever it stands, for a colour, and drops the semicolon. */
function escaped(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[#"<>&`:;\\|]/g, (character) => `#${character.codePointAt(0)};`);
}

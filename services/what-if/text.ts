// What a change of rules would change, as text for a terminal and as Markdown for a pull request.

import { textOf as explanationText } from '../explain/text.ts';
import type { DifferenceKind } from './differences.ts';
import type { Breach } from './fail-on.ts';
import type { Sample } from './samples.ts';
import type { WhatIf } from './what-if.ts';

const WORDS: Readonly<Record<DifferenceKind, string>> = {
  fires: 'fires now',
  silent: 'no longer fires',
  earlier: 'earlier',
  later: 'later',
  channel: 'other channel',
  variant: 'other variant',
  flow: 'other course',
  reason: 'other reason',
};

type Row = readonly (string | number)[];

function figuresOf({ now, baseline }: WhatIf): readonly Row[] {
  const row = (name: string, was: number, is: number): Row => [name, grouped(was), grouped(is), changeOf(was, is)];
  return [
    row('people reached', baseline.people.reach, now.people.reach),
    row('messages', baseline.people.messages, now.people.messages),
    row('fired', baseline.fired, now.fired),
    row('messages a person and week, p50', baseline.people.fatigue.p50, now.people.fatigue.p50),
    row('messages a person and week, p99', baseline.people.fatigue.p99, now.people.fatigue.p99),
    row('messages a person and week, most', baseline.people.fatigue.max, now.people.fatigue.max),
  ];
}

/** Rules that differ, with the kinds that there are. */
function rulesOf({ rules, now, baseline }: WhatIf): { readonly head: Row; readonly rows: readonly Row[] } {
  const found = Object.values(rules).flatMap(({ differences }) => Object.keys(differences) as DifferenceKind[]);
  const kinds = (Object.keys(WORDS) as DifferenceKind[]).filter((kind) => found.includes(kind));
  const rows = Object.entries(rules)
    .filter(([, { state, differences }]) => state !== 'same' || Object.keys(differences).length > 0)
    .map(([id, { state, differences }]): Row => {
      const [was, is] = [baseline.rules[id]?.entities ?? 0, now.rules[id]?.entities ?? 0];
      return [id, state, grouped(was), grouped(is), ...kinds.map((kind) => grouped(differences[kind]?.people ?? 0))];
    });
  return { head: ['rule', '', 'reached before', 'reached now', ...kinds.map((kind) => WORDS[kind])], rows };
}

export function whatIfText(result: WhatIf, breaches: readonly Breach[]): string {
  const { head, rows } = rulesOf(result);
  const lines = [
    table([['', 'baseline', 'now', 'change'], ...figuresOf(result)]),
    rows.length === 0 ? 'no rule decides otherwise' : table([head, ...rows]),
  ];
  if (result.unexplained !== null) lines.push(`nobody is explained: ${result.unexplained}`);
  for (const sample of result.sample) lines.push(sampleText(sample));
  lines.push(...breaches.map((breach) => `${breachInWords(breach)}\n`));
  return `${lines.join('\n')}what-if: ${result.differences} decisions differ\n`;
}

/** The first column to the left, the others to the right. Ends with a line end. */
function table(rows: readonly Row[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => String(row[column]).length)));
  const lines = rows.map((row) => {
    const cells = row.map((cell, column) => {
      const width = widths[column]!;
      return column === 0 ? String(cell).padEnd(width) : String(cell).padStart(width);
    });
    return cells.join('  ').trimEnd();
  });
  return `${lines.join('\n')}\n`;
}

function sampleText({ kind, rule, entity, explained }: Sample): string {
  const parts = [`${rule} for ${entity.type} ${entity.id}: ${WORDS[kind]}`];
  for (const [name, explanation] of [
    ['baseline', explained.baseline],
    ['now', explained.now],
  ] as const) {
    parts.push(`--- ${name}`, explanation === null ? 'nothing is known\n' : explanationText(explanation));
  }
  return parts.join('\n');
}

export function whatIfMarkdown(result: WhatIf, breaches: readonly Breach[]): string {
  const { now } = result;
  const { head, rows } = rulesOf(result);
  const scope = `${grouped(now.input.lines)} events${now.input.lastEvent === null ? '' : ` up to ${now.input.lastEvent}`}`;
  const lines = [
    '### What these rules would change',
    '',
    `${scope}, replayed with the rules as they are and as they would be: ${grouped(result.differences)} decisions differ.`,
    ...(now.stopped ? ['', '**It was stopped early: all of this is of a part of the events.**'] : []),
    '',
    ...markdownTable([['', 'baseline', 'now', 'change'], ...figuresOf(result)]),
    '',
    ...(rows.length === 0 ? ['No rule decides otherwise.'] : markdownTable([head, ...rows])),
  ];
  if (rows.length > 0) lines.push('', 'Figures of kinds are people.');
  if (breaches.length > 0) lines.push('', ...breaches.map((breach) => `- **${breachInWords(breach)}**`));
  for (const { kind, rule, entity, explained } of result.sample) {
    lines.push(
      '',
      `<details><summary>${escaped(`${rule} for ${entity.type} ${entity.id}: ${WORDS[kind]}`)}</summary>`,
      '',
    );
    for (const [name, explanation] of [
      ['Baseline', explained.baseline],
      ['Now', explained.now],
    ] as const) {
      const text = explanation === null ? 'nothing is known' : explanationText(explanation).trimEnd();
      // A fence that nothing in the text can end.
      lines.push(`${name}:`, '', '~~~~~~~~text', text.replaceAll('~~~~~~~~', '~ ~'), '~~~~~~~~', '');
    }
    lines.push('</details>');
  }
  return `${lines.join('\n')}\n`;
}

function markdownTable([head, ...rows]: readonly Row[]): string[] {
  const line = (cells: Row): string =>
    `| ${cells.map((cell) => escaped(String(cell)).replaceAll('|', '\\|')).join(' | ')} |`;
  return [
    line(head!),
    `|${head!.map((_, column) => (column === 0 ? ' --- |' : ' ---: |')).join('')}`,
    ...rows.map(line),
  ];
}

export function breachInWords({ bound, baseline, now }: Breach): string {
  return `${bound} is passed: ${baseline === null ? '' : `${grouped(baseline)} before, `}${grouped(now)} now`;
}

function changeOf(was: number, is: number): string {
  if (was === is) return '';
  const sign = is > was ? '+' : '';
  return was === 0 ? `${sign}${grouped(is)}` : `${sign}${((100 * (is - was)) / was).toFixed(1)} %`;
}

function grouped(number: number): string {
  return number.toLocaleString('en-US');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

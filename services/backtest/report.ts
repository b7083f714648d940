// The summary as a page that needs nothing but a browser: report.html.

import { flowWords } from './summary.ts';
import type { RuleSummary, Summary } from './summary-schema.ts';

/** A complete HTML document; the same summary gives the same bytes. */
export function reportHtml(summary: Summary): string {
  const { input } = summary;
  const rules = Object.entries(summary.rules);
  const most = Math.max(1, ...rules.map(([, rule]) => rule.fired));
  const facts: [string, string | number][] = [
    ['Lines read', input.lines],
    ['Replayed in order of', input.order === 'time' ? 'event time' : 'arrival'],
    ['Last event', input.lastEvent ?? 'none'],
    ['Time went on to', summary.advancedTo ?? 'the end of all timers'],
    ['Refused', total(input.deadLetters)],
    ['Duplicates', input.duplicates],
    ['Late', input.late],
    ['That no rule asks for', input.unasked],
    ['Outside the period', input.outsidePeriod],
    ['Actions', words(summary.actions)],
  ];
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Backtest</title>
<style>${STYLE}</style>
<h1>Backtest</h1>
${summary.stopped ? `<p class="stopped">It was stopped early: all of this is of the events up to ${escapeHtml(input.lastEvent ?? 'none')}.</p>\n` : ''}<p class="lead"><b>${summary.fired}</b> fired, <b>${summary.suppressed}</b> suppressed${summary.digests === 0 ? '' : `, <b>${summary.digests}</b> digests`}</p>
<h2>Rules</h2>
<table>
<tr><th>Rule<th class="n">Fired<th><th class="n">For entities<th class="n">Digests<th class="n">Suppressed<th>Why<th class="n">Late<th>Version</tr>
${rules.map(([id, rule]) => row(id, rule, most)).join('\n')}
</table>
${flows(rules)}<h2>Input</h2>
<table>
${facts.map(([name, value]) => `<tr><td>${escapeHtml(name)}<td>${escapeHtml(String(value))}</tr>`).join('\n')}
</table>
${missing(summary)}${refusals(summary)}</html>
`;
}

const STYLE = `
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 3rem auto; padding: 0 1rem; color: #1d2733 }
table { border-collapse: collapse; width: 100%; margin-bottom: 2rem }
th, td { text-align: left; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #dde3ea; vertical-align: top }
.n { text-align: right; font-variant-numeric: tabular-nums } .lead { font-size: 1.4rem } .stopped { color: #a33; font-weight: 600 }
.bar { background: #2f6fde; height: .7rem; border-radius: .2rem; min-width: 1px } td.wide { width: 25% }
`;

function row(id: string, rule: RuleSummary, most: number): string {
  const width = Math.round((100 * rule.fired) / most);
  const cells = [
    `<td>${escapeHtml(id)}`,
    `<td class="n">${rule.fired}`,
    `<td class="wide"><div class="bar" style="width:${width}%"></div>`,
    `<td class="n">${rule.entities}`,
    `<td class="n">${rule.digests}`,
    `<td class="n">${total(rule.suppressed)}`,
    `<td>${escapeHtml(words(rule.suppressed))}`,
    `<td class="n">${rule.late}`,
    `<td><code>${escapeHtml(rule.version)}</code>`,
  ];
  return `<tr>${cells.join('')}</tr>`;
}

function flows(rules: readonly [string, RuleSummary][]): string {
  const rows = rules.flatMap(([id, { flows: own }]) =>
    own === undefined ? [] : [`<tr><td>${escapeHtml(id)}<td>${escapeHtml(flowWords(own))}</tr>`],
  );
  if (rows.length === 0) return '';
  return `<h2>Flows</h2>
<table>
${rows.join('\n')}
</table>
`;
}

/** What is gone of the input, and from when on each rule decides as if it were there. */
function missing({ input, rules }: Summary): string {
  if (Object.values(rules).every(({ completeFrom }) => completeFrom === null)) return '';
  const where = input.missing.map(({ source, why, first, since }) => {
    const reason = why === 'retention' ? 'what was before is deleted' : 'as was asked for';
    return `<tr><td>${escapeHtml(source)}<td class="n">${first}<td>${escapeHtml(since ?? '')}<td>${reason}</tr>`;
  });
  const complete = Object.entries(rules).map(
    ([id, { completeFrom }]) => `<tr><td>${escapeHtml(id)}<td>${escapeHtml(completeFrom ?? '')}</tr>`,
  );
  return `<h2>The beginning of the input is missing</h2>
<table>
<tr><th>Source<th class="n">First offset<th>First event<th></tr>
${where.join('\n')}
</table>
<table>
<tr><th>Rule<th>Complete from; unknown: it looks back without bound</tr>
${complete.join('\n')}
</table>
`;
}

function refusals({ input }: Summary): string {
  if (input.deadLetterExamples.length === 0) return '';
  const rows = input.deadLetterExamples.map(
    ({ source = '', line, offset, reason, message }) =>
      `<tr><td>${escapeHtml(source)}<td class="n">${line ?? offset}<td>${escapeHtml(reason)}<td>${escapeHtml(message)}</tr>`,
  );
  return `<h2>Refused lines</h2>
<table>
<tr><th>Of<th class="n">Line or offset<th>Reason<th>Message</tr>
${rows.join('\n')}
</table>
`;
}

function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

function words(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

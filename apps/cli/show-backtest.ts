// What a backtest says on the terminal: a line a rule, what failed, what was refused, what is missing.

import { flowWords } from '../../services/backtest/summary.ts';
import type { Summary } from '../../services/backtest/summary-schema.ts';
import type { Io } from './command.ts';

export function showBacktest(summary: Summary, out: string, io: Io): void {
  const { input, rules } = summary;
  const width = Math.max(4, ...Object.keys(rules).map((id) => id.length));
  io.stdout.write(`${'rule'.padEnd(width)}  ${'fired'.padStart(8)}  ${'suppressed'.padStart(10)}  why\n`);
  for (const [id, { fired, suppressed, digests }] of Object.entries(rules)) {
    const reasons = Object.entries(suppressed).map(([reason, count]) => `${reason} ${count}`);
    const total = Object.values(suppressed).reduce((sum, count) => sum + count, 0);
    const counts = `${String(fired).padStart(8)}  ${String(total).padStart(10)}`;
    if (digests > 0) reasons.push(`digests sent: ${digests}`);
    io.stdout.write(`${id.padEnd(width)}  ${counts}  ${reasons.join(', ')}`.trimEnd());
    io.stdout.write('\n');
  }
  for (const [id, { flows }] of Object.entries(rules)) {
    if (flows === undefined || flows.entered + flows.goals === 0) continue;
    io.stdout.write(`  ${id}: ${flowWords(flows)}\n`);
  }
  for (const [id, { failures }] of Object.entries(rules)) {
    for (const { expression, times, reason } of failures) {
      io.stdout.write(
        `  ${id}: failed ${times} times, and counted as false or as no value: ${expression}  (first: ${reason})\n`,
      );
    }
  }
  const refused = refusedCount(input);
  io.stdout.write(
    `\n${input.lines} lines: ${refused} refused, ${input.duplicates} duplicates, ${input.late} late,\n` +
      `${input.unasked} that no rule asks for, ${input.outsidePeriod} outside the period\n`,
  );
  if (input.order === 'time') io.stdout.write('what is not in order of arrival was replayed by event time\n');
  for (const { source, line, offset, reason, message } of input.deadLetterExamples.slice(0, 5)) {
    const place = line === undefined ? `offset ${offset}` : `line ${line}`;
    io.stdout.write(`  ${source === undefined ? '' : `${source}, `}${place}: ${reason} ${message}\n`);
  }
  if (refused > 5) io.stdout.write(`  … all ${refused} in dead-letters.jsonl\n`);
  printMissing(summary, io);
  io.stdout.write(`backtest: ${summary.fired} fired, ${summary.suppressed} suppressed; see ${out}\n`);
}

function printMissing({ input, rules }: Summary, io: Io): void {
  for (const { source, why, first, since } of input.missing) {
    if (why !== 'retention') continue;
    const from = since === null ? '' : `, ${since}`;
    io.stdout.write(`${source} begins at offset ${first}${from}: what was before is deleted\n`);
  }
  for (const [id, { completeFrom }] of Object.entries(rules)) {
    if (completeFrom === null) continue;
    const words = completeFrom === 'unknown' ? 'looks back without bound, and may lack what was before' : completeFrom;
    io.stdout.write(`  ${id}: ${completeFrom === 'unknown' ? words : `complete from ${words}`}\n`);
  }
}

export function refusedCount(input: Summary['input']): number {
  return Object.values(input.deadLetters).reduce((sum, count) => sum + count, 0);
}

// What a verification says, for people: a line a topic, what could not be compared, and the first difference with its cause.

import type { Finding, TopicVerdict, Verification } from './verification.ts';

/** Differences shown in words; all of those kept are in the JSON. */
const SHOWN_MAX = 5;

export function textOf({ tasks, topics, findings, differences, identical }: Verification): string {
  const entries = tasks.reduce((sum, task) => sum + task.entries, 0);
  const lines = [`${tasks.length} tasks, ${entries} journal entries`];
  for (const [topic, verdict] of Object.entries(topics)) lines.push(`${topic}: ${countsOf(verdict)}`);
  const incomplete = tasks.filter(({ gone }) => gone.length > 0);
  for (const { task, gone } of incomplete) lines.push(`${task} cannot be verified in whole: ${gone.join('; ')}`);
  for (const [i, finding] of findings.slice(0, SHOWN_MAX).entries()) {
    lines.push('', ...(i === 0 ? ['First difference:'] : []), ...wordsOf(finding));
  }
  if (differences > SHOWN_MAX) lines.push('', `… ${differences - SHOWN_MAX} more`);
  const verdict = identical ? 'as recorded' : `${differences} ${differences === 1 ? 'difference' : 'differences'}`;
  return `${[...lines, `verify: ${verdict}`].join('\n')}\n`;
}

function countsOf({ identical, ...others }: TopicVerdict): string {
  const more = Object.entries(others).filter(([, count]) => count > 0);
  return [`${identical} as recorded`, ...more.map(([name, count]) => `${count} ${name}`)].join(', ');
}

function wordsOf({ kind, place, offset, step, of, field, recorded, replayed }: Finding): string[] {
  if (kind === 'journal') {
    return [
      `${place}, offset ${offset}: an entry of ${step!.task} goes on from ${field} ${String(recorded)}, and the one before it ended at ${String(replayed)}`,
      '  what was between them is missing',
    ];
  }
  const whose =
    of === null ? '' : `: ${[of.rule, of.entity, of.at].filter((part) => part !== null).join(', ')} (${of.id})`;
  const head = {
    differs: 'recorded otherwise',
    missing: 'not recorded',
    extra: 'recorded, and nothing led to it',
    unreadable: 'not readable',
  }[kind];
  const lines = [`${place}${offset === null ? '' : `, offset ${offset}`} is ${head}${whose}`];
  if (field !== null)
    lines.push(`  ${field}: recorded ${JSON.stringify(recorded)}, replayed ${JSON.stringify(replayed)}`);
  if (step !== null) lines.push(`  by ${stepInWords(step)}`);
  return lines;
}

function stepInWords({ task, entry, kind, record }: NonNullable<Finding['step']>): string {
  const cause = {
    read: record ?? 'a record',
    end: 'the end of an input',
    wall: 'the clock',
    rules: 'a change of rules',
  }[kind];
  return `${cause}, in entry ${entry} of the journal of ${task}`;
}

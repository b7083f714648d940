// An explanation as lines that someone who wrote no line of this program can read.

import { stepInWords } from '../flows/program-words.ts';
import type {
  Asked,
  ExplainedDecision,
  ExplainedEvent,
  ExplainedFlow,
  ExplainedFlowStep,
  ExplainedStep,
  Explanation,
} from './explanation.ts';

const WHY: Readonly<Record<ExplainedEvent['verdict'], string>> = {
  counted: 'counts',
  'no-effect': 'seen, and changed nothing',
  name: 'not asked for by this rule',
  flow: 'asked for by its flows',
  where: 'does not count: a condition was false',
  failed: 'does not count: an expression failed',
  by: 'does not count: it has no value for `by`',
  late: 'came late: the rule had gone on in time',
  duplicate: 'a duplicate',
  waiting: 'waits until nothing earlier is expected',
};
/** Events that the rule does not ask for, in a row, are one line from so many on. */
const ROW_MIN = 3;

export function textOf(explanation: Explanation): string {
  const { rule, ruleVersion, entity, asOf, steps, needed, flows, notes } = explanation;
  const lines = [
    `${rule} (version ${ruleVersion}) for ${entity.type} ${entity.id}${asOf === null ? '' : `, as of ${asOf}`}`,
  ];
  lines.push(headline(steps), '');
  for (let place = 0; place < steps.length; ) {
    const row = unasked(steps, place);
    if (row.length >= ROW_MIN) {
      lines.push(`${row[0]!.at}  … ${row.length} events ${WHY.name}: ${namesOf(row)}`);
      place += row.length;
      continue;
    }
    lines.push(...linesOf(steps[place]!));
    place++;
  }
  lines.push('', 'Where it stands:', ...needed.map((words) => `  ${words}`), ...flows.flatMap(standing));
  if (notes.length > 0) lines.push('', ...notes.map((note) => `note: ${note}`));
  return `${lines.join('\n')}\n`;
}

function headline(steps: readonly ExplainedStep[]): string {
  const decisions = steps.filter((step) => step.kind === 'decision');
  const last = decisions.at(-1);
  if (last === undefined) return 'It has decided nothing: its pattern was not completed.';
  const fired = decisions.filter(({ outcome }) => outcome === 'fired');
  const count = `${decisions.length} ${decisions.length === 1 ? 'decision' : 'decisions'}, ${fired.length} fired`;
  return `${count}. The last, at ${last.at}: ${outcomeWords(last)}.`;
}

function outcomeWords({ outcome, reason, gates }: ExplainedDecision): string {
  if (outcome === 'fired') return 'fired';
  const detail = gates.find(({ verdict }) => verdict === 'refused')?.detail;
  return `${outcome} by ${reason}${detail === null || detail === undefined ? '' : ` (${detail})`}`;
}

function linesOf(step: ExplainedStep): string[] {
  if (step.kind === 'decision') return decisionLines(step);
  if (step.kind === 'flow') return [flowLine(step)];
  const by = step.by === null ? '' : `  [${step.by}]`;
  if (step.kind === 'deadline') return [`${step.at}  time${by}  ${step.meaning}`, ...step.asked.map(askedLine)];
  const id = step.id === '' ? '' : ` (${step.id})`;
  const lines = [`${step.at}  ${step.event}${id}${by}  ${WHY[step.verdict]}`];
  if (step.verdict !== 'duplicate') lines.push(...step.asked.map(askedLine));
  if (step.progress !== null) lines.push(`    -> ${step.progress}`);
  return lines;
}

function askedLine({ expression, value, values, error }: Asked): string {
  const seen = Object.entries(values).map(([name, each]) => `${name} was ${JSON.stringify(each)}`);
  const reason = error?.split('\n')[0];
  const unusable = value === null ? `could not be told: ${reason}` : `${JSON.stringify(value)}: ${reason}`;
  const result = error === null ? JSON.stringify(value) : unusable;
  return `    ${expression}  is ${result}${seen.length === 0 ? '' : `; ${seen.join(', ')}`}`;
}

function decisionLines(decision: ExplainedDecision): string[] {
  const { at, id, events, gates, recorded, digest } = decision;
  const what = digest === null ? 'DECISION' : `DIGEST of ${digest.items}`;
  const lines = [`${at}  ${what}  ${outcomeWords(decision)}`, `    ${id}, made by ${events.join(', ') || 'no event'}`];
  if (digest !== null) lines.push(`    digest ${digest.id}`);
  for (const { step, digest: of, until } of decision.gathered) {
    lines.push(`    send ${step} waits in digest ${of}, which goes out at ${until}`);
  }
  for (const { gate, verdict, detail } of gates) {
    if (verdict === 'unused') continue;
    lines.push(`    gate ${gate}: ${verdict}${detail === null ? '' : `; ${detail}`}`);
  }
  if (recorded === false) lines.push('    there is no record of this decision');
  for (const { at: time, channel, outcome: came, reason, attempts } of decision.deliveries) {
    const why = reason === null ? '' : ` (${reason})`;
    const tries = attempts > 1 ? `, ${attempts} attempts` : '';
    lines.push(`    ${time}  ${channel}: ${came}${why}${tries}`);
  }
  return lines;
}

function flowLine({ at, what, step, reason, detail, until, waitsFor, variant, by }: ExplainedFlowStep): string {
  const why = detail === null ? (reason ?? '') : `${reason}: ${detail}`;
  const said = {
    entered: 'begins',
    waiting: `waits until ${until}${waitsFor === null ? '' : `, for ${waitsFor}`}`,
    sent: 'sent',
    skipped: `skipped, ${why}`,
    chose: `chose ${variant} of ${reason}`,
    reviewed: why,
    assigned: `${why} is to answer`,
    goal: 'its goal is reached',
    ended: `ends, ${why}`,
  }[what];
  const place = step === null ? '' : `${stepInWords(step)}: `;
  return `${at}  FLOW  ${place}${said}${by === null ? '' : ` by ${by}`}`;
}

/** Where a flow that lives waits, and what would end it. */
function standing({ flow, step, endsBy }: ExplainedFlow): string[] {
  const what = step.waitsFor === null ? '' : `, for ${step.waitsFor}`;
  return [
    `  flow ${flow} waits at ${stepInWords(step)} until ${step.until}${what}`,
    ...endsBy.map((words) => `    ended before by ${words}`),
  ];
}

function unasked(steps: readonly ExplainedStep[], from: number): ExplainedEvent[] {
  const row: ExplainedEvent[] = [];
  for (let place = from; place < steps.length; place++) {
    const step = steps[place]!;
    if (step.kind !== 'event' || step.verdict !== 'name') break;
    row.push(step);
  }
  return row;
}

function namesOf(events: readonly ExplainedEvent[]): string {
  const counts = Map.groupBy(events, ({ event }) => event);
  return Array.from(counts, ([name, { length }]) => (length === 1 ? name : `${name} x ${length}`)).join(', ');
}

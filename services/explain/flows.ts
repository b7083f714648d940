// What happened in the flows of a rule as an explanation tells it: each step with why, and where those that live stand.
//
// Owns: the words. Does not own: where records come from (assemble.ts).

import type { EndReason } from '../../rules/flows/flow.ts';
import type { CompiledProgram } from '../../rules/flows/index.ts';
import type { FlowRecord } from '../../schemas/flow-record.ts';
import { endsInWords } from '../flows/program-words.ts';
import { isoOf, wordsOf } from '../state/flow-json.ts';
import type { ExplainedFlow, ExplainedFlowStep } from './explanation.ts';

/** The program of a version of the rule; undefined: it is not known. */
export type ProgramOf = (ruleVersion: string) => CompiledProgram | undefined;

export function explainedFlowStep(record: FlowRecord, programOf: ProgramOf): ExplainedFlowStep {
  const { flow, at, kind, step, name, reason, until, action, by, variant, ruleVersion } = record;
  const known = step === null ? undefined : programOf(ruleVersion)?.steps[step];
  const { words, waitsFor } = wordsOf(known, kind === 'waiting' ? (reason ?? '') : '');
  return {
    kind: 'flow',
    at: isoOf(at),
    flow,
    what: kind,
    step: step === null ? null : { number: step, name, words },
    reason,
    detail: detailOf(record, known?.send?.condition?.source ?? null),
    until: until === null ? null : isoOf(until),
    waitsFor: kind === 'waiting' ? waitsFor : null,
    variant,
    action,
    by,
  };
}

/** Why, in words; null where the reason says it, or there is none. */
function detailOf({ kind, reason, action }: FlowRecord, condition: string | null): string | null {
  if (kind === 'ended') return ENDS[reason as EndReason];
  if (kind !== 'skipped' || reason === null) return null;
  // Of a message that was written.
  if (action !== null) return 'its message could not be delivered, and no channel is left that may take it';
  if (reason === 'condition' && condition !== null) return `its own condition was false: ${condition}`;
  return SKIPS[reason] ?? null;
}

const SKIPS: Readonly<Record<string, string>> = {
  condition: 'its own condition was false',
  stale: 'it lay further behind the worker’s clock than validFor allows',
  cap: 'a cap had no room for it on any of its channels',
  consent: 'the person has not allowed it on any of its channels',
  suppressed: 'nothing is sent to the address that it would go to',
  unreachable: 'none of its channels reaches the person',
  'expression-failed': 'its expression gave no time',
};

const ENDS: Readonly<Record<EndReason, string>> = {
  completed: 'its last step was done',
  exit: 'a step ended it',
  goal: 'its goal was reached',
  stopped: 'an event of stopOn came',
  restarted: 'a new match took its place',
  'pre-empted': 'a rule of higher priority took its group',
  changed: 'its rule was changed, and nothing of what was to come was left',
  rejected: 'a person said no, or nobody answered',
  cancelled: 'somebody cancelled it',
  erased: 'its person was erased',
};

/** Those that live after these records, in the order in which they began. */
export function livingAfter(records: readonly FlowRecord[], programOf: ProgramOf): readonly ExplainedFlow[] {
  return Array.from(Map.groupBy(records, ({ flow }) => flow).values()).flatMap((own) => {
    const waiting = own.findLast(({ kind }) => kind === 'waiting');
    if (waiting === undefined || own.some(({ kind }) => kind === 'ended')) return [];
    const { flow, at, step, name, until, reason, ruleVersion } = waiting;
    const program = programOf(ruleVersion);
    return [
      {
        flow,
        step: {
          number: step!,
          name,
          ...wordsOf(program?.steps[step!], reason ?? ''),
          since: isoOf(at),
          until: isoOf(until!),
        },
        endsBy: program === undefined ? [] : endsInWords(program),
      },
    ];
  });
}

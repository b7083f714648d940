// What becomes of flows that wait when their rule changes, by the step at which they wait.
//
// Owns: telling it beforehand. Does not own: doing it (processors/decide/flows/advance.ts, by the same rules/flows/moving.ts).

import { movedTo } from '../../rules/flows/moving.ts';
import { type CompiledProgram, WAITING_STEPS } from '../../rules/flows/program.ts';
import type { CompiledRule } from '../../rules/project/compiled-rule.ts';
import type { Pause } from '../operation.ts';
import type { ServiceContext } from '../service-context.ts';
import { flowsOfRecords } from './from-records.ts';
import type { Programs } from './programs.ts';

export interface StepRef {
  readonly number: number;
  readonly name: string | null;
  /** Null: its version of the rule is not known. */
  readonly words: string | null;
}

export interface FlowStepChange {
  readonly step: StepRef;
  /** Version of the rule by which they go. */
  readonly ruleVersion: string;
  /** How many wait there, as of the log's last commit. */
  readonly waiting: number;
  /**
   * stays: at the same step. moves: they go on at `to` when their wait is over. finishes: they go on by their own version. ends: they
   * end, `changed`. unknown: their version is not known here.
   */
  readonly becomes: 'stays' | 'moves' | 'finishes' | 'ends' | 'unknown';
  /** Of `stays` and `moves`. */
  readonly to: StepRef | null;
}

/** A rule whose flows may wait, and what it becomes; `to` undefined: it is removed. */
export interface ChangedRule {
  readonly from: CompiledRule;
  readonly to: CompiledRule | undefined;
}

/** By rule id, in order of step: all steps at which flows may wait, and those at which some do. */
export async function inFlightChanges(
  context: ServiceContext,
  changed: readonly ChangedRule[],
  { pause, programs }: { readonly pause: Pause; readonly programs: Programs },
): Promise<ReadonlyMap<string, readonly FlowStepChange[]>> {
  const flowing = new Map(changed.filter(({ from }) => from.program.isFlow).map((each) => [each.from.id, each]));
  const changes = new Map<string, readonly FlowStepChange[]>();
  if (flowing.size === 0) return changes;
  const waiting = new Map<string, Waiting[]>([...flowing.keys()].map((rule) => [rule, []]));
  const isMeant = ({ rule }: { readonly rule: string }): boolean => flowing.has(rule);
  for await (const { rule, step, ruleVersion, ended } of flowsOfRecords(context, { isMeant, pause, programs })) {
    if (ended !== null || step === null) continue;
    const all = waiting.get(rule)!;
    const same = all.find((each) => each.ruleVersion === ruleVersion && each.step === step.number);
    if (same !== undefined) same.count++;
    else all.push({ ruleVersion, step: step.number, name: step.name, count: 1 });
  }
  for (const [rule, { from, to }] of flowing) {
    const own = withSteps(waiting.get(rule)!, from);
    changes.set(
      rule,
      own.map((each) => {
        const program = each.ruleVersion === from.version ? from.program : programs.of(rule, each.ruleVersion);
        return changeOf(each, program, to);
      }),
    );
  }
  return changes;
}

interface Waiting {
  readonly ruleVersion: string;
  readonly step: number;
  readonly name: string | null;
  count: number;
}

/** Also those at which nobody waits just now. */
function withSteps(waiting: readonly Waiting[], { version, program }: CompiledRule): readonly Waiting[] {
  const isThere = (step: number): boolean => waiting.some((each) => each.ruleVersion === version && each.step === step);
  const others = program.steps
    .filter(({ number, kind }) => WAITING_STEPS.has(kind) && !isThere(number))
    .map(({ number, name }): Waiting => ({ ruleVersion: version, step: number, name, count: 0 }));
  return [...waiting, ...others].sort(
    (a, b) => a.step - b.step || Number(a.ruleVersion !== version) - Number(b.ruleVersion !== version),
  );
}

function changeOf(
  { ruleVersion, step, name, count }: Waiting,
  program: CompiledProgram | undefined,
  to: CompiledRule | undefined,
): FlowStepChange {
  const at = program === undefined ? { number: step, name, words: null } : refOf(program, step);
  const known = { step: at, ruleVersion, waiting: count };
  if (to === undefined || !to.enabled || to.program.inFlight === 'end') return { ...known, becomes: 'ends', to: null };
  if (to.program.inFlight === 'finish') return { ...known, becomes: 'finishes', to: null };
  if (program === undefined) return { ...known, becomes: 'unknown', to: null };
  const moved = movedTo(program.outline, step, to.program.outline);
  if (moved === null) return { ...known, becomes: 'ends', to: null };
  return { ...known, becomes: moved.stays ? 'stays' : 'moves', to: refOf(to.program, moved.to) };
}

function refOf({ steps }: CompiledProgram, number: number): StepRef {
  const { name, words } = steps[number]!;
  return { number, name, words };
}

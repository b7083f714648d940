// Two sets of rules over the same events in one pass: what a change of rules would change, and for whom.
//
// Owns: the run of both, counting differences, choosing whom to explain. Does not own: replaying (backtest/), what a difference is
// (differences.ts), words (text.ts).
//
// Invariants:
//   W1. Both sides are given the same records in the same order, and each decides as it does alone.
//   W2. Memory does not grow with events, people or decisions; of one person it holds the decisions of one rule.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ExternalSort } from '../../lib/external-sort.ts';
import type { RulesCheck } from '../../rules/index.ts';
import type { Action } from '../../schemas/action.ts';
import { type Decision, type DecisionJson, decisionJson } from '../../schemas/decision.ts';
import { type FlowRecord, flowRecordJson } from '../../schemas/flow-record.ts';
import { backtestSides, type PassOptions, type SideOptions } from '../backtest/backtest.ts';
import { LineFile } from '../backtest/line-file.ts';
import type { Summary } from '../backtest/summary-schema.ts';
import {
  type Decided,
  DIFFERENCE_KINDS,
  type DifferenceKind,
  differencesOf,
  type FlowCourse,
  type RuleDifference,
} from './differences.ts';
import { canBeExplained, explainSamples, type Sample } from './samples.ts';

export interface WhatIfOptions extends PassOptions {
  readonly now: RulesCheck;
  readonly baseline: RulesCheck;
  /** Gets the files of the new rules, comparison.json and differences.jsonl; those of the baseline go into `baseline` in it. */
  readonly out: string;
  /** People whose decisions are explained. */
  readonly sample: number;
}

/** changed: its version differs. */
export type RuleState = 'same' | 'changed' | 'added' | 'removed';

export interface ComparedRule {
  readonly state: RuleState;
  /** Of each kind: how many decisions, and of how many entities. Kinds of which there is none are left out. */
  readonly differences: Readonly<Partial<Record<DifferenceKind, { decisions: number; people: number }>>>;
}

export interface WhatIf {
  readonly now: Summary;
  readonly baseline: Summary;
  readonly rules: Readonly<Record<string, ComparedRule>>;
  /** All differences. */
  readonly differences: number;
  readonly sample: readonly Sample[];
  /** Why nobody is explained though differences there are; null: somebody is, or nobody asked for it. */
  readonly unexplained: string | null;
}

/** A line of one side: a decision, or an action or something of the flow of one. */
interface Line {
  /** Rule and entity. */
  readonly group: string;
  readonly side: 'baseline' | 'now';
  readonly decision?: DecisionJson;
  readonly action?: { readonly of: string; readonly step: number; readonly channel: string; readonly at: string };
  readonly flow?: FlowJson;
}

type FlowJson = ReturnType<typeof flowRecordJson>;

/** As backtest(). */
export async function whatIf({ now, baseline, out, sample, ...pass }: WhatIfOptions): Promise<WhatIf> {
  const work = mkdtempSync(join(tmpdir(), 'tripline-what-if-'));
  const sort = new ExternalSort({ folder: work });
  try {
    const [ofBaseline, ofNow] = await backtestSides(pass, [
      side('baseline', baseline, join(out, 'baseline'), sort),
      side('now', now, out, sort),
    ]);
    const tally = new Tally(now, baseline, sample);
    const file = new LineFile(join(out, 'differences.jsonl'));
    for (const group of groups(sort)) {
      for (const difference of tally.take(differencesOf(group.baseline, group.now))) {
        file.add(JSON.stringify(difference));
      }
      await file.flush();
    }
    await file.close();
    const { chosen } = tally;
    const isExplained = chosen.length > 0 && canBeExplained(pass);
    const result: WhatIf = {
      now: ofNow!,
      baseline: ofBaseline!,
      rules: tally.rules,
      differences: tally.differences,
      sample: isExplained ? await explainSamples(pass, { baseline, now }, chosen) : [],
      unexplained: chosen.length > 0 && !isExplained ? 'a source can be read once only' : null,
    };
    const { now: _, baseline: __, ...comparison } = result;
    writeFileSync(join(out, 'comparison.json'), `${JSON.stringify(comparison, null, 2)}\n`);
    return result;
  } finally {
    sort.close();
    rmSync(work, { recursive: true, force: true });
  }
}

function side(name: Line['side'], rules: RulesCheck, out: string, sort: ExternalSort): SideOptions {
  const add = ({ rule, entity }: Decision | Action | FlowRecord, line: Omit<Line, 'group' | 'side'>): void => {
    const group = `${rule}\0${entity.type}/${entity.id}`;
    sort.add(group, JSON.stringify({ group, side: name, ...line }));
  };
  return {
    rules,
    out,
    decision: (decision) => add(decision, { decision: decisionJson(decision) }),
    action(action) {
      const { decision: of, step, channel, at } = action;
      add(action, { action: { of, step, channel, at: new Date(at).toISOString() } });
    },
    flow(record) {
      // Sends alone tell only of what they skip, which their decision tells too.
      if (rules.ruleSet.rule(record.rule)?.program.isFlow === true) add(record, { flow: flowRecordJson(record) });
    },
  };
}

interface Group {
  readonly baseline: readonly Decided[];
  readonly now: readonly Decided[];
}

/** The decisions of one rule and entity on both sides, group by group. */
function* groups(sort: ExternalSort): Generator<Group> {
  let lines: Line[] = [];
  for (const text of sort.sorted()) {
    const line = JSON.parse(text) as Line;
    if (lines.length > 0 && line.group !== lines[0]!.group) {
      yield groupFrom(lines);
      lines = [];
    }
    lines.push(line);
  }
  if (lines.length > 0) yield groupFrom(lines);
}

function groupFrom(lines: readonly Line[]): Group {
  const decidedBy = (name: Line['side']): Decided[] => {
    const own = lines.filter(({ side: of }) => of === name);
    const sends = Map.groupBy(
      own.flatMap(({ action }) => action ?? []),
      ({ of }) => of,
    );
    const flows = Map.groupBy(
      own.flatMap(({ flow }) => flow ?? []),
      ({ flow }) => flow,
    );
    return own
      .flatMap(({ decision }) => decision ?? [])
      .map((decision) => {
        const messages = (sends.get(decision.id) ?? []).toSorted((a, b) => a.step - b.step);
        return {
          decision,
          channels: messages.map(({ channel }) => channel),
          sentAt: messages.map(({ at }) => at),
          flow: courseOf(flows.get(decision.id)),
        };
      })
      .sort((a, b) => (a.decision.at === b.decision.at ? 0 : a.decision.at < b.decision.at ? -1 : 1));
  };
  return { baseline: decidedBy('baseline'), now: decidedBy('now') };
}

/** `records`: of one flow, in the order in which they came. */
function courseOf(records: readonly FlowJson[] | undefined): FlowCourse | null {
  if (records === undefined) return null;
  const end = records.findLast(({ kind }) => kind === 'ended');
  return {
    variant: records.at(-1)!.variant,
    goalAt: records.find(({ kind }) => kind === 'goal')?.at ?? null,
    ended: end?.reason ?? null,
    endedAt: end?.at ?? null,
  };
}

/** Counts differences, and chooses whom to explain: one of each rule and kind, different people, in the order in which they come. */
class Tally {
  readonly rules: Record<
    string,
    { state: RuleState; differences: Partial<Record<DifferenceKind, { decisions: number; people: number }>> }
  > = {};
  differences = 0;
  readonly chosen: RuleDifference[] = [];
  readonly #sample: number;
  readonly #taken = new Set<string>();

  constructor({ ruleSet: now }: RulesCheck, { ruleSet: baseline }: RulesCheck, sample: number) {
    this.#sample = sample;
    const ids = new Set([...now.rules, ...baseline.rules].map(({ id }) => id));
    for (const id of [...ids].sort()) {
      const [is, was] = [now.rule(id)?.version, baseline.rule(id)?.version];
      const state = was === undefined ? 'added' : is === undefined ? 'removed' : is === was ? 'same' : 'changed';
      this.rules[id] = { state, differences: {} };
    }
  }

  /** Of one rule and entity. */
  take(differences: readonly RuleDifference[]): readonly RuleDifference[] {
    this.differences += differences.length;
    for (const kind of DIFFERENCE_KINDS) {
      const own = differences.filter((difference) => difference.kind === kind);
      const [first] = own;
      if (first === undefined) continue;
      const counts = this.rules[first.rule]!.differences;
      const count = (counts[kind] ??= { decisions: 0, people: 0 });
      count.decisions += own.length;
      count.people++;
      this.#choose(first);
    }
    return differences;
  }

  #choose(difference: RuleDifference): void {
    const { rule, kind, entity } = difference;
    const [what, who] = [`${rule} ${kind}`, `${entity.type}/${entity.id}`];
    if (this.chosen.length >= this.#sample || this.#taken.has(what) || this.#taken.has(who)) return;
    this.#taken.add(what).add(who);
    this.chosen.push(difference);
  }
}

// What a backtest came to, in counts: summary.json. Nothing in it depends on the machine or on how long it took.

import type { Counters } from '../../lib/counters.ts';
import type { FailedExpression } from '../../processors/decide/trace.ts';
import type { EndReason } from '../../rules/flows/flow.ts';
import type { RuleSet } from '../../rules/project/rule-set.ts';
import type { Action } from '../../schemas/action.ts';
import type { Decision } from '../../schemas/decision.ts';
import type { FlowRecord } from '../../schemas/flow-record.ts';
import type { InputOrder } from './input.ts';

/** An expression that failed. */
export interface FailureSummary {
  readonly expression: string;
  times: number;
  readonly reason: string;
}

/** A rule has few expressions; of each the first reason is kept. */
const FAILURES_MAX = 20;

export interface RuleSummary {
  readonly version: string;
  /** Matches, and not the digests that they were gathered in. */
  fired: number;
  /** Digests that went out. */
  digests: number;
  /** By reason. */
  suppressed: Record<string, number>;
  /** Entities for which it fired. */
  entities: number;
  /** Events it did not see because they came after their entity had been evaluated past them. */
  late: number;
  /** How often an expression failed, and so counted as false. */
  failedExpressions: number;
  /** Which ones, with how often and the first reason. */
  failures: FailureSummary[];
  /** Left out of a rule whose steps are sends alone: they are over when they are written. */
  flows?: FlowSummary;
}

export interface FlowSummary {
  entered: number;
  /** Goals that were reached, also after the flow, or without one where the person was held out. */
  goals: number;
  /** By reason. */
  ended: Partial<Record<EndReason, number>>;
}

/** An input line that could not be used. */
export interface RefusedExample {
  readonly line: number;
  readonly reason: string;
  readonly message: string;
}

export interface Summary {
  readonly input: {
    readonly lines: number;
    readonly order: InputOrder;
    readonly outsidePeriod: number;
    readonly deadLetters: Readonly<Record<string, number>>;
    readonly deadLetterExamples: readonly RefusedExample[];
    readonly duplicates: number;
    /** Events that no rule asks for. */
    readonly unasked: number;
    readonly late: number;
    /** Highest event time accepted. */
    readonly lastEvent: string | null;
  };
  /** Where stream time stood at the end; null: past everything that was pending. */
  readonly advancedTo: string | null;
  readonly decisions: number;
  readonly fired: number;
  /** That went out, beside what fired. */
  readonly digests: number;
  readonly suppressed: number;
  readonly actions: Readonly<Record<string, number>>;
  readonly rules: Readonly<Record<string, RuleSummary>>;
}

/** Such as `flows 5, goals 2, ended: completed 3, goal 2`. */
export function flowWords({ entered, goals, ended }: FlowSummary): string {
  const reasons = Object.entries(ended).map(([reason, count]) => `${reason} ${count}`);
  return `flows ${entered}, goals ${goals}${reasons.length === 0 ? '' : `, ended: ${reasons.join(', ')}`}`;
}

/** Counts what goes by. Entities are counted by what they fired, which is bounded by the decisions on disk. */
export class SummaryBuilder {
  readonly #rules = new Map<string, RuleSummary>();
  readonly #entities = new Map<string, Set<string>>();
  readonly #actions: Record<string, number> = {};
  #decisions = 0;
  #fired = 0;
  #digests = 0;

  constructor(rules: RuleSet) {
    for (const { id, version, program } of rules.rules) {
      this.#rules.set(id, {
        version,
        fired: 0,
        digests: 0,
        suppressed: {},
        entities: 0,
        late: 0,
        failedExpressions: 0,
        failures: [],
        ...(program.isFlow && { flows: { entered: 0, goals: 0, ended: {} } }),
      });
    }
  }

  decision(decision: Decision): void {
    const rule = this.#rules.get(decision.rule)!;
    this.#decisions++;
    if (decision.reason !== null) {
      rule.suppressed[decision.reason] = (rule.suppressed[decision.reason] ?? 0) + 1;
      return;
    }
    if (decision.digest !== null) {
      this.#digests++;
      rule.digests++;
      return;
    }
    this.#fired++;
    rule.fired++;
    let entities = this.#entities.get(decision.rule);
    if (entities === undefined) this.#entities.set(decision.rule, (entities = new Set()));
    entities.add(`${decision.entity.type}/${decision.entity.id}`);
  }

  expressionFailed({ rule, expression, reason }: FailedExpression): void {
    const { failures } = this.#rules.get(rule)!;
    const known = failures.find((each) => each.expression === expression);
    if (known !== undefined) known.times++;
    else if (failures.length < FAILURES_MAX) failures.push({ expression, times: 1, reason });
  }

  action(action: Action): void {
    this.#actions[action.channel] = (this.#actions[action.channel] ?? 0) + 1;
  }

  flow({ rule, kind, reason }: FlowRecord): void {
    const flows = this.#rules.get(rule)?.flows;
    // Sends alone tell only of what they skip.
    if (flows === undefined) return;
    if (kind === 'entered') flows.entered++;
    else if (kind === 'goal') flows.goals++;
    else if (kind === 'ended') {
      const ended = reason as EndReason;
      flows.ended[ended] = (flows.ended[ended] ?? 0) + 1;
    }
  }

  finish(
    counters: Counters,
    input: Omit<Summary['input'], 'duplicates' | 'unasked'>,
    advancedTo: string | null,
  ): Summary {
    const late = counters.by('late', 'rule');
    const failed = counters.by('expression-failed', 'rule');
    for (const [id, rule] of this.#rules) {
      rule.late = late.get(id) ?? 0;
      rule.failedExpressions = failed.get(id) ?? 0;
      rule.entities = this.#entities.get(id)?.size ?? 0;
    }
    return {
      input: { ...input, duplicates: counters.total('duplicate'), unasked: counters.total('unasked') },
      advancedTo,
      decisions: this.#decisions,
      fired: this.#fired,
      digests: this.#digests,
      suppressed: this.#decisions - this.#fired - this.#digests,
      actions: this.#actions,
      rules: Object.fromEntries(this.#rules),
    };
  }
}

// What a backtest came to, in counts: summary.json. Nothing in it depends on the machine or on how long it took.

import type { Counters } from '../../lib/counters.ts';
import type { FailedExpression } from '../../processors/decide/trace.ts';
import type { RulesCheck } from '../../rules/index.ts';
import type { Action } from '../../schemas/action.ts';
import type { Decision } from '../../schemas/decision.ts';
import type { InputOrder } from './input.ts';
import { lookBackMs } from './look-back.ts';
import type { Fatigue, PeopleFigures } from './people.ts';

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
  fired: number;
  /** By reason. */
  suppressed: Record<string, number>;
  /** Entities for which it fired. */
  entities: number;
  /** Actions. */
  messages: number;
  /** Events it did not see because they came after their entity had been evaluated past them. */
  late: number;
  /** How often an expression failed, and so counted as false. */
  failedExpressions: number;
  /** Which ones, with how often and the first reason. */
  failures: FailureSummary[];
  /**
   * Where the beginning of the input is gone: the event time from which on it decides as if it were there; `unknown`: it looks
   * back without bound. Null: nothing is known to be missing.
   */
  completeFrom: string | null;
}

/** An input line that could not be used. */
export interface RefusedExample {
  /** The source, where there is more than one file. */
  readonly source?: string;
  /** Of a file. */
  readonly line?: number;
  /** Of a partition. */
  readonly offset?: number;
  readonly reason: string;
  readonly message: string;
}

/** What is gone at the beginning of a partition, or lies before the offset that was asked for. */
export interface MissingSummary {
  readonly source: string;
  readonly why: 'retention' | 'offset';
  /** First offset that was read. */
  readonly first: number;
  /** Event time of the first record that was read; null: none has one. */
  readonly since: string | null;
}

export interface Summary {
  readonly input: {
    readonly lines: number;
    readonly missing: readonly MissingSummary[];
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
  /** Whether it was stopped before the end of its input, so that everything here is of a part of it. */
  readonly stopped: boolean;
  /** Where stream time stood at the end; null: past everything that was pending. */
  readonly advancedTo: string | null;
  readonly decisions: number;
  readonly fired: number;
  readonly suppressed: number;
  readonly actions: Readonly<Record<string, number>>;
  readonly people: {
    /** Entities for which some rule fired. */
    readonly reach: number;
    /** Actions. */
    readonly messages: number;
    readonly fatigue: Fatigue;
  };
  readonly rules: Readonly<Record<string, RuleSummary>>;
}

/** Counts what goes by, but people (people.ts). */
export class SummaryBuilder {
  readonly #rules = new Map<string, RuleSummary>();
  readonly #actions: Record<string, number> = {};
  /** How far back each rule looks, ms. */
  readonly #lookBack = new Map<string, number>();
  #decisions = 0;
  #fired = 0;

  constructor({ ruleSet, bodies }: Pick<RulesCheck, 'ruleSet' | 'bodies'>) {
    for (const rule of ruleSet.rules) {
      const { id, version } = rule;
      this.#lookBack.set(id, lookBackMs(rule, bodies.get(id)!, ruleSet.context));
      this.#rules.set(id, {
        version,
        fired: 0,
        suppressed: {},
        entities: 0,
        messages: 0,
        late: 0,
        failedExpressions: 0,
        failures: [],
        completeFrom: null,
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
    this.#fired++;
    rule.fired++;
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

  finish(
    counters: Counters,
    input: Omit<Summary['input'], 'duplicates' | 'unasked'>,
    {
      isStopped,
      advancedTo,
      wholeSince,
      people,
    }: {
      readonly isStopped: boolean;
      readonly advancedTo: string | null;
      /** Ms. */
      readonly wholeSince: number | null;
      readonly people: PeopleFigures;
    },
  ): Summary {
    const late = counters.by('late', 'rule');
    const failed = counters.by('expression-failed', 'rule');
    for (const [id, rule] of this.#rules) {
      rule.late = late.get(id) ?? 0;
      rule.failedExpressions = failed.get(id) ?? 0;
      rule.entities = people.rules.get(id)?.reach ?? 0;
      rule.messages = people.rules.get(id)?.messages ?? 0;
      if (wholeSince !== null) rule.completeFrom = completeFrom(wholeSince, this.#lookBack.get(id)!);
    }
    return {
      input: { ...input, duplicates: counters.total('duplicate'), unasked: counters.total('unasked') },
      stopped: isStopped,
      advancedTo,
      decisions: this.#decisions,
      fired: this.#fired,
      suppressed: this.#decisions - this.#fired,
      actions: this.#actions,
      people: { reach: people.reach, messages: people.messages, fatigue: people.fatigue },
      rules: Object.fromEntries(this.#rules),
    };
  }
}

function completeFrom(since: number, lookBack: number): string {
  return Number.isFinite(lookBack) ? new Date(since + lookBack).toISOString() : 'unknown';
}

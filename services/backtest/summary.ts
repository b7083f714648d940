// What a backtest came to, in counts: summary.json. Nothing in it depends on the machine or on how long it took.

import type { Counters } from '../../lib/counters.ts';
import type { FailedExpression } from '../../processors/decide/trace.ts';
import type { RulesCheck } from '../../rules/index.ts';
import type { Action } from '../../schemas/action.ts';
import type { Decision } from '../../schemas/decision.ts';
import type { FlowRecord } from '../../schemas/flow-record.ts';
import { lookBackMs } from './look-back.ts';
import type { PeopleFigures } from './people.ts';
import type { FlowSummary, RuleSummary, Summary, VolumeFigures } from './summary-schema.ts';

/** A rule has few expressions; of each the first reason is kept. */
const FAILURES_MAX = 20;
const HOUR_MS = 3_600_000;
const HOURS = 24;
/** Of an ISO-8601 text. */
const DATE_LENGTH = 10;

/** Such as `flows 5, goals 2, ended: completed 3, goal 2`. */
export function flowWords({ entered, goals, ended }: FlowSummary): string {
  const reasons = Object.entries(ended).map(([reason, count]) => `${reason} ${count}`);
  return `flows ${entered}, goals ${goals}${reasons.length === 0 ? '' : `, ended: ${reasons.join(', ')}`}`;
}

/** Counts what goes by, but people (people.ts). */
export class SummaryBuilder {
  readonly #rules = new Map<string, RuleSummary>();
  readonly #actions: Record<string, number> = {};
  /** How far back each rule looks, ms. */
  readonly #lookBack = new Map<string, number>();
  /** As many as there are days in the input. */
  readonly #days = new Map<string, { fired: number; messages: number }>();
  readonly #hours: number[] = Array.from({ length: HOURS }, () => 0);
  #decisions = 0;
  #fired = 0;
  #digests = 0;

  constructor({ ruleSet, bodies }: Pick<RulesCheck, 'ruleSet' | 'bodies'>) {
    for (const rule of ruleSet.rules) {
      const { id, version } = rule;
      this.#lookBack.set(id, lookBackMs(rule, bodies.get(id)!, ruleSet.context));
      this.#rules.set(id, {
        version,
        fired: 0,
        digests: 0,
        suppressed: {},
        entities: 0,
        messages: 0,
        late: 0,
        failedExpressions: 0,
        failures: [],
        completeFrom: null,
        ...(rule.program.isFlow && { flows: { entered: 0, goals: 0, ended: {} } }),
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
    this.#day(decision.at).fired++;
  }

  expressionFailed({ rule, expression, reason }: FailedExpression): void {
    const { failures } = this.#rules.get(rule)!;
    const known = failures.find((each) => each.expression === expression);
    if (known !== undefined) known.times++;
    else if (failures.length < FAILURES_MAX) failures.push({ expression, times: 1, reason });
  }

  action(action: Action): void {
    this.#actions[action.channel] = (this.#actions[action.channel] ?? 0) + 1;
    this.#day(action.at).messages++;
    this.#hours[Math.floor(action.at / HOUR_MS) % HOURS]!++;
  }

  flow({ rule, kind, reason }: FlowRecord): void {
    const flows = this.#rules.get(rule)?.flows;
    // Sends alone tell only of what they skip.
    if (flows === undefined) return;
    if (kind === 'entered') flows.entered++;
    else if (kind === 'goal') flows.goals++;
    else if (kind === 'ended') flows.ended[reason!] = (flows.ended[reason!] ?? 0) + 1;
  }

  #day(at: number): { fired: number; messages: number } {
    const date = new Date(at).toISOString().slice(0, DATE_LENGTH);
    let day = this.#days.get(date);
    if (day === undefined) this.#days.set(date, (day = { fired: 0, messages: 0 }));
    return day;
  }

  #volume(): VolumeFigures {
    return {
      days: Object.fromEntries([...this.#days].sort(([a], [b]) => (a < b ? -1 : 1))),
      hours: this.#hours,
    };
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
      digests: this.#digests,
      suppressed: this.#decisions - this.#fired - this.#digests,
      actions: this.#actions,
      people: {
        reach: people.reach,
        messages: people.messages,
        fatigue: people.fatigue,
        weekly: Object.fromEntries(people.weekly),
        byRules: Object.fromEntries(people.byRules),
      },
      volume: this.#volume(),
      rules: Object.fromEntries(this.#rules),
    };
  }
}

function completeFrom(since: number, lookBack: number): string {
  return Number.isFinite(lookBack) ? new Date(since + lookBack).toISOString() : 'unknown';
}

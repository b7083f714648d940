// Bounds on what a change of rules may do, for a pull request: `reach>+10%,fatigue.p99>3,cart:messages<-20`.
//
// Owns: their grammar and their meaning. Does not own: the figures (backtest/summary.ts).

import { FatalError } from '../../lib/errors.ts';
import { didYouMean } from '../../lib/suggest.ts';
import type { Summary } from '../backtest/summary-schema.ts';

const METRICS = ['reach', 'messages', 'fatigue.p50', 'fatigue.p95', 'fatigue.p99', 'fatigue.max'] as const;
type Metric = (typeof METRICS)[number];

export interface Bound {
  /** As it was written. */
  readonly text: string;
  /** Null: of all rules together. */
  readonly rule: string | null;
  readonly metric: Metric;
  readonly isAbove: boolean;
  /** absolute: of the figure. change: of its difference from the baseline's. share: of that, in hundredths of the baseline's. */
  readonly kind: 'absolute' | 'change' | 'share';
  readonly value: number;
}

export interface Breach {
  readonly bound: string;
  readonly baseline: number | null;
  readonly now: number;
}

const FORM = /^(?:([a-z0-9-]+):)?([a-z0-9.]+)\s*([<>])\s*([+-]?)(\d+(?:\.\d+)?)(%?)$/;
const EXAMPLE = 'such as reach>+10%, messages<-50, fatigue.p99>3 or cart:reach>+5%';

/** Throws FatalError TRG_USAGE. `rules`: ids that there are; `hasBaseline`: whether there is something to compare with. */
export function parseBounds(text: string, rules: readonly string[], hasBaseline: boolean): readonly Bound[] {
  return text.split(',').map((part) => {
    const [, rule = null, metric, sign, change, digits, percent] = FORM.exec(part.trim()) ?? [];
    if (metric === undefined) throw wrong(`${part.trim()} is no bound`, EXAMPLE);
    if (!METRICS.some((known) => known === metric)) {
      throw wrong(`${metric} is not measured`, didYouMean(metric, METRICS, `known: ${METRICS.join(', ')}`) ?? EXAMPLE);
    }
    if (rule !== null && !rules.includes(rule)) {
      throw wrong(`there is no rule ${rule}`, didYouMean(rule, rules, `the rules: ${rules.join(', ')}`) ?? EXAMPLE);
    }
    if (rule !== null && metric.startsWith('fatigue')) throw wrong('fatigue is of all rules together', EXAMPLE);
    if (change !== '' && !hasBaseline)
      throw wrong(`${part.trim()} compares with a baseline`, 'give one: --baseline DIR');
    if (percent === '%' && change === '')
      throw wrong(`${part.trim()} is of nothing`, `write +${digits}% or -${digits}%`);
    return {
      text: part.trim(),
      rule,
      metric: metric as Metric,
      isAbove: sign === '>',
      kind: change === '' ? 'absolute' : percent === '%' ? 'share' : 'change',
      value: Number(`${change}${digits}`),
    };
  });
}

/** Those bounds that are passed. */
export function breachesOf(bounds: readonly Bound[], now: Summary, baseline: Summary | null): readonly Breach[] {
  return bounds.flatMap((bound) => {
    const is = figureOf(now, bound);
    const was = baseline === null ? null : figureOf(baseline, bound);
    const measured = measuredBy(bound, is, was);
    const isPassed = bound.isAbove ? measured > bound.value : measured < bound.value;
    return isPassed ? [{ bound: bound.text, baseline: was, now: is }] : [];
  });
}

function measuredBy({ kind }: Bound, is: number, was: number | null): number {
  if (kind === 'absolute') return is;
  const change = is - was!;
  if (kind === 'change') return change;
  // What was nothing and is something is more by any share.
  return was === 0 ? (is === 0 ? 0 : Number.POSITIVE_INFINITY) : (100 * change) / was!;
}

function figureOf({ people, rules }: Summary, { rule, metric }: Bound): number {
  // Of a rule that one side does not have nobody gets anything.
  const own = rule === null ? people : { reach: rules[rule]?.entities ?? 0, messages: rules[rule]?.messages ?? 0 };
  if (metric === 'reach' || metric === 'messages') return own[metric];
  return people.fatigue[metric.slice('fatigue.'.length) as keyof typeof people.fatigue];
}

function wrong(message: string, hint: string): FatalError {
  return new FatalError('TRG_USAGE', `--fail-on: ${message}`, { hint });
}

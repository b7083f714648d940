// What bench-check measures, and how it is compared with what was accepted.
//
// Owns: the ratios and the verdict. Does not own: measuring them (check.ts).
//
// Invariants:
//   K1. Only ratios of figures of one round are compared, never figures: they hold on a faster machine and beside others.

export interface Check {
  readonly id: string;
  readonly what: string;
  /** Which way is better. */
  readonly better: 'more' | 'less';
  /** By the clock or by processor time: only the latter says something while others keep the processors busy. */
  readonly by: 'clock' | 'processor time';
}

export const CHECKS = [
  { id: 'worker', what: 'a worker, exactly once, to Node that parses', better: 'more', by: 'clock' },
  { id: 'guarantee', what: 'a worker exactly once to one at least once', better: 'more', by: 'clock' },
  { id: 'workerTime', what: 'a worker, exactly once, to Node that parses', better: 'less', by: 'processor time' },
  { id: 'guaranteeTime', what: 'a worker exactly once to one at least once', better: 'less', by: 'processor time' },
  { id: 'backtestTime', what: 'a backtest with ten rules to parsing', better: 'less', by: 'processor time' },
  { id: 'restoreTime', what: 'a restore to Node that reads', better: 'less', by: 'processor time' },
] as const satisfies readonly Check[];

export type CheckId = (typeof CHECKS)[number]['id'];
/** Left out: it could not be measured here. */
export type Ratios = Readonly<Partial<Record<CheckId, number>>>;

/** The file beside this one. */
export interface Baseline {
  /** Where and of what it was taken; nothing is compared with it. */
  readonly taken: string;
  /** So much worse a ratio may be: 0.2 is a fifth. */
  readonly allowed: number;
  readonly ratios: Ratios;
}

export interface Verdict {
  /** One for each ratio that was measured. */
  readonly lines: readonly string[];
  /** Those that became worse by more than is allowed. */
  readonly worse: readonly string[];
}

/** `isBusy`: others use the processors, so what was taken by the clock is told and not judged. */
export function compare(now: Ratios, { allowed, ratios: before }: Baseline, isBusy: boolean): Verdict {
  const lines: string[] = [];
  const worse: string[] = [];
  for (const { id, what, better, by } of CHECKS) {
    const is = now[id];
    const was = before[id];
    if (is === undefined) continue;
    const name = `${better === 'more' ? 'events/s' : 'processor time'} of ${what}`;
    if (was === undefined) {
      lines.push(`${name}: ${is.toFixed(3)}, not in the baseline`);
      continue;
    }
    const loss = (better === 'more' ? was / is : is / was) - 1;
    const change = loss > 0 ? `${percent(loss)} slower` : `${percent(1 / (1 + loss) - 1)} faster`;
    const text = `${name}: ${is.toFixed(3)}, was ${was.toFixed(3)}: ${change}`;
    const isJudged = by === 'processor time' || !isBusy;
    lines.push(isJudged ? text : `${text} (not judged: the machine is busy)`);
    if (isJudged && loss > allowed) worse.push(`${text}, and ${percent(allowed)} is allowed`);
  }
  return { lines, worse };
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

// How fast a channel may send: rates as the configuration writes them, warm-up, and the buckets that keep to them.
//
// Invariants:
//   R1. A bucket is its task's share: `rate` over the partitions of the channel's topic. So the rate holds over all workers,
//       whoever has which tasks, without their asking each other; what comes unevenly over partitions goes slower than it might.
//   R2. In any stretch of time a bucket lets through no more than its rate gives, and BURST_MS worth of it on top.

import { parseDuration } from '../../../lib/duration.ts';

const UNITS_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Text of a rate, such as `100/s` or `50/h`. */
export const RATE_PATTERN = '^\\d{1,9}(\\.\\d{1,3})?/[smhd]$';

/** Messages a second; the text must fit RATE_PATTERN. */
export function parseRate(text: string): number {
  const [count = '', unit = 's'] = text.split('/');
  return (Number(count) * 1_000) / UNITS_MS[unit as keyof typeof UNITS_MS];
}

export interface WarmUp {
  /** When sending began, ms since 1970. */
  readonly fromMs: number;
  /** One after the other. */
  readonly steps: readonly { readonly forMs: number; readonly perSecond: number }[];
}

/** What a channel's options say of its pace; null: nothing. */
export interface Pace {
  readonly perSecond: number | null;
  readonly warmUp: WarmUp | null;
}

/** As the configuration writes it. */
export interface PaceOptions {
  readonly rate?: string;
  readonly warmUp?: {
    readonly from: string;
    readonly steps: readonly { readonly for: string; readonly rate: string }[];
  };
}

export function paceOf({ rate, warmUp }: PaceOptions): Pace {
  return {
    perSecond: rate === undefined ? null : parseRate(rate),
    warmUp:
      warmUp === undefined
        ? null
        : {
            fromMs: Date.parse(warmUp.from),
            steps: warmUp.steps.map((step) => ({ forMs: parseDuration(step.for)!, perSecond: parseRate(step.rate) })),
          },
  };
}

/** Messages a second at this time; null: as fast as can be. */
export function rateAt({ perSecond, warmUp }: Pace, now: number): number | null {
  if (warmUp === null) return perSecond;
  let end = warmUp.fromMs;
  for (const step of warmUp.steps) {
    end += step.forMs;
    if (now < end) return perSecond === null ? step.perSecond : Math.min(perSecond, step.perSecond);
  }
  return perSecond;
}

/** What was saved up while nothing was sent may go at once, so much of it. */
const BURST_MS = 1_000;

/** A bucket of tokens. It begins with one: a worker that starts again and again gets no burst each time. */
export class Bucket {
  #tokens = 1;
  #at: number | null = null;

  /** Takes one if it may go at once (0), else says in how many milliseconds it may. */
  take(perSecond: number, now: number): number {
    this.#refill(perSecond, now);
    if (this.#tokens < 1) return waitMs(1 - this.#tokens, perSecond);
    this.#tokens--;
    return 0;
  }

  /** Takes one, perhaps of those to come: milliseconds until it may go. */
  reserve(perSecond: number, now: number): number {
    this.#refill(perSecond, now);
    this.#tokens--;
    return this.#tokens >= 0 ? 0 : waitMs(-this.#tokens, perSecond);
  }

  #refill(perSecond: number, now: number): void {
    const capacity = Math.max(1, (perSecond * BURST_MS) / 1_000);
    const passedMs = this.#at === null ? 0 : Math.max(0, now - this.#at);
    this.#tokens = Math.min(capacity, this.#tokens + (passedMs * perSecond) / 1_000);
    this.#at = Math.max(this.#at ?? now, now);
  }
}

function waitMs(tokens: number, perSecond: number): number {
  return Math.ceil((tokens * 1_000) / perSecond);
}

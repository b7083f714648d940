// When events of one name happened: what count(name, duration) and last(name) answer from.
//
// Owns: the times, in order, and how many there were of each; forgetting, and keeping it bounded.
//
// Invariants:
//   W1. Times are kept to the ms up to 2 x EXACT_MAX of them. Beyond that the older half is kept in buckets of a
//       thousandth of the longest window asked for; an event in a bucket counts as if it had happened in the bucket's last
//       ms, so a count is exact at that resolution.
//   W2. At most some 4 x EXACT_MAX entries are kept, however many events there are.

import { assert } from '../../lib/assert.ts';

/** A person does no thing this often within a window; machines do, and are counted at W1's resolution. */
const EXACT_MAX = 1_000;

export interface StoredTimes {
  readonly steps: readonly number[];
  readonly counts: readonly number[];
}

export class EventTimes {
  #times: number[] = [];
  /** How many there are of each; null: one of each. */
  #counts: number[] | null = null;

  static decode({ steps, counts }: StoredTimes): EventTimes {
    const found = new EventTimes();
    let time = 0;
    found.#times = steps.map((step) => (time += step));
    found.#counts = counts.length === 0 ? null : [...counts];
    return found;
  }

  encode(): StoredTimes {
    const times = this.#times;
    return { steps: times.map((time, i) => time - (i === 0 ? 0 : times[i - 1]!)), counts: this.#counts ?? [] };
  }

  /** Entries kept. */
  get size(): number {
    return this.#times.length;
  }

  /** Notes an event; `longestMs` is the longest window that is asked for. */
  add(time: number, longestMs: number): void {
    const end = this.#endAt(time);
    const isKnown = end > 0 && this.#times[end - 1] === time;
    if (isKnown) {
      this.#counts ??= this.#times.map(() => 1);
      this.#counts[end - 1]!++;
    } else {
      this.#times.splice(end, 0, time);
      this.#counts?.splice(end, 0, 1);
    }
    if (this.#times.length > 2 * EXACT_MAX) this.#merge(Math.max(1, Math.ceil(longestMs / EXACT_MAX)));
  }

  /** Events in (from, to]. */
  countIn(from: number, to: number): number {
    const start = this.#endAt(from);
    const end = this.#endAt(to);
    const counts = this.#counts;
    if (counts === null) return Math.max(0, end - start);
    let sum = 0;
    for (let i = start; i < end; i++) sum += counts[i]!;
    return sum;
  }

  /** The first time after `time`; Infinity: there is none. */
  after(time: number): number {
    return this.#times[this.#endAt(time)] ?? Infinity;
  }

  /** The newest time at or before `time`; null: there is none. */
  newestAt(time: number): number | null {
    return this.#times[this.#endAt(time) - 1] ?? null;
  }

  /** Forgets what happened at or before `time`, but for the newest of all of it, which last() may ask for. */
  forget(time: number): void {
    const needless = this.#endAt(time) - 1;
    if (needless <= 0) return;
    this.#times.splice(0, needless);
    this.#counts?.splice(0, needless);
  }

  /** How many entries are stamped at or before `time`. New events are mostly the newest: sought from the end, then by halves. */
  #endAt(time: number): number {
    const times = this.#times;
    let low = 0;
    let high = times.length;
    if (high === 0 || times[high - 1]! <= time) return high;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (times[middle]! <= time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Puts all but the newest EXACT_MAX entries into buckets (W1). */
  #merge(widthMs: number): void {
    const times: number[] = [];
    const counts: number[] = [];
    const exactFrom = this.#times.length - EXACT_MAX;
    for (const [i, time] of this.#times.entries()) {
      const count = this.#counts?.[i] ?? 1;
      const bucketEnd = Math.floor(time / widthMs) * widthMs + widthMs - 1;
      // A bucket must not reach past the entries that stay exact, which come after it.
      const at = i < exactFrom ? Math.min(bucketEnd, this.#times[exactFrom]!) : time;
      if (times.at(-1) === at) counts[counts.length - 1]! += count;
      else {
        times.push(at);
        counts.push(count);
      }
    }
    assert(times.length <= 4 * EXACT_MAX, 'times are bounded, however many events there are (W2)');
    this.#times = times;
    this.#counts = counts;
  }
}

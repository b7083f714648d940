// The stream time of a task: up to and including it, no event is still expected (docs/design.md, Time 2).
//
// Invariants:
//   M1. It is the least over the inputs of: the highest event time read, or the wall time as of which the input was read
//       to its end; less outOfOrderness, and one ms, since events stamped the same may follow.
//   M2. It never passes wall time less outOfOrderness and that ms, and never goes back.
//   M3. It changes only by the steps below, which the journal keeps: nothing here reads a clock.

import { assert } from '../../lib/assert.ts';

/** The one ms of M1. */
const SAME_STAMP_MS = 1;

interface InputTime {
  /** -1: nothing known. */
  time: number;
  /** For inputs fed by other tasks: the least of these counts instead. */
  readonly watermarks: Map<string, number> | null;
}

/** What must be kept to go on where a stopped task was. */
export interface StreamTimeSnapshot {
  readonly streamTime: number;
  readonly wall: number;
  readonly inputs: readonly { readonly time: number; readonly watermarks: Readonly<Record<string, number>> | null }[];
  /** Version of the rules in force, which the task adds; left out where they have none. */
  readonly rules?: number;
}

export class StreamTime {
  readonly #outOfOrdernessMs: number;
  readonly #inputs: readonly InputTime[];
  /** The same, each once: merged inputs share one. */
  readonly #times: readonly InputTime[];
  #streamTime = -1;
  #wall = -1;

  /**
   * `upstreams[i]`: the upstream partitions whose watermarks input i waits for; null: records carry their own time; none:
   * it brings no events, and nothing waits for it. `merged`: inputs that the caller has put in one order of event time, so that
   * the time of one is the time of all.
   */
  constructor(
    outOfOrdernessMs: number,
    upstreams: readonly (readonly string[] | null)[],
    merged: readonly boolean[] = [],
  ) {
    this.#outOfOrdernessMs = outOfOrdernessMs;
    const shared: InputTime = { time: -1, watermarks: null };
    this.#inputs = upstreams.map((names, input) => {
      if (merged[input] === true) return shared;
      return {
        time: names?.length === 0 ? Infinity : -1,
        watermarks: names === null ? null : new Map(names.map((name) => [name, -1])),
      };
    });
    this.#times = [...new Set(this.#inputs)];
  }

  get current(): number {
    return this.#streamTime;
  }

  get wall(): number {
    return this.#wall;
  }

  /** Least event time read, before outOfOrderness is taken off: what is told to tasks downstream. */
  get inputTime(): number {
    let least = Infinity;
    for (const input of this.#times) if (input.time < least) least = input.time;
    return Math.min(least, this.#wall);
  }

  /** The time up to which an input is known, ms; -1: nothing is. */
  of(input: number): number {
    return this.#inputs[input]!.time;
  }

  /** A record stamped `time` was read from this input. */
  observe(input: number, time: number): void {
    const state = this.#inputs[input]!;
    if (state.watermarks !== null || time <= state.time) return;
    state.time = time;
    this.#advance();
  }

  /** A watermark of an upstream partition was read; one that is not expected is ignored. */
  watermark(input: number, upstream: string, time: number): void {
    const state = this.#inputs[input]!;
    const before = state.watermarks?.get(upstream);
    if (before === undefined || time <= before) return;
    state.watermarks!.set(upstream, time);
    state.time = Math.min(...state.watermarks!.values());
    this.#advance();
  }

  /** The input had been read to its end as of this wall time. */
  end(input: number, wall: number): void {
    this.observe(input, wall);
  }

  /** The wall clock was read. */
  advanceWall(wall: number): void {
    if (wall <= this.#wall) return;
    this.#wall = wall;
    this.#advance();
  }

  /** What stream time would be if every input without watermarks were read to its end as of `wall`. */
  ifIdleAt(wall: number): number {
    let least = wall;
    for (const input of this.#times) {
      const time = input.watermarks === null ? Math.max(input.time, wall) : input.time;
      if (time < least) least = time;
    }
    return Math.max(this.#streamTime, least - this.#outOfOrdernessMs - SAME_STAMP_MS);
  }

  /** Input has ended for good and everything up to `time` is known: for files and simulations. */
  complete(time: number): void {
    if (time > this.#streamTime) this.#streamTime = time;
  }

  snapshot(): StreamTimeSnapshot {
    return {
      streamTime: this.#streamTime,
      wall: this.#wall,
      inputs: this.#inputs.map(({ time, watermarks }) => ({
        // JSON has no Infinity.
        time: time === Infinity ? -1 : time,
        watermarks: watermarks === null ? null : Object.fromEntries(watermarks),
      })),
    };
  }

  restore(snapshot: StreamTimeSnapshot): void {
    assert(snapshot.streamTime >= this.#streamTime && snapshot.wall >= this.#wall, 'time never goes back (M2)');
    this.#streamTime = snapshot.streamTime;
    this.#wall = snapshot.wall;
    snapshot.inputs.forEach(({ time, watermarks }, i) => {
      const input = this.#inputs[i];
      if (input === undefined || input.watermarks?.size === 0) return;
      input.time = time;
      for (const [name, at] of Object.entries(watermarks ?? {})) {
        if (input.watermarks?.has(name)) input.watermarks.set(name, at);
      }
    });
  }

  #advance(): void {
    const next = this.inputTime - this.#outOfOrdernessMs - SAME_STAMP_MS;
    if (next > this.#streamTime) this.#streamTime = next;
  }
}

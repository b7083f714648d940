// Figures of one thread: counts, gauges, histograms, by name and labels. Who writes them knows nothing of who reads them.
//
// Owns: keeping and copying them. Does not own: their units, meanings and names outside (services/telemetry/catalogue.ts).
//
// Invariants:
//   F1. Names and labels are few and never user data.
//   F2. Writing costs no allocation once the gauge or histogram is at hand: hold on to it, and do not ask for it anew
//       per record. What can be read when it is asked for is not written at all, but collected.
//   F3. A snapshot is plain data, so that it can cross to another thread.

import { Counters, type Labels } from './counters.ts';

export interface Sample {
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
}

/** `counts[i]` values were at most `bounds[i]` and above the bound before; the last one counts those above all bounds. */
export interface HistogramSample {
  readonly name: string;
  readonly labels: Labels;
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly sum: number;
  readonly count: number;
}

/** All figures at one moment (F3). */
export interface MetricsSnapshot {
  readonly counts: readonly Sample[];
  readonly gauges: readonly Sample[];
  readonly histograms: readonly HistogramSample[];
}

/** Reads figures when they are asked for, by calling these. */
export type Collector = (report: Report) => void;

export interface Report {
  count(name: string, value: number, labels?: Labels): void;
  gauge(name: string, value: number, labels?: Labels): void;
}

/** Bounds for times, ms: from what a local commit takes to an hour. */
export const TIME_BOUNDS_MS: readonly number[] = [
  1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 900_000, 3_600_000,
];
/** Bounds for how many of something one commit or batch holds. */
export const SIZE_BOUNDS: readonly number[] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000];

export class Gauge {
  value = 0;

  set(value: number): void {
    this.value = value;
  }
}

export class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: Float64Array;
  #sum = 0;
  #count = 0;

  /** `bounds`: ascending. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  record(value: number): void {
    const bounds = this.#bounds;
    let i = 0;
    while (i < bounds.length && value > bounds[i]!) i++;
    this.#counts[i]!++;
    this.#sum += value;
    this.#count++;
  }

  sample(name: string, labels: Labels): HistogramSample {
    const counts = Array.from(this.#counts);
    return { name, labels, bounds: this.#bounds, counts, sum: this.#sum, count: this.#count };
  }
}

const NO_LABELS: Labels = Object.freeze({});

export class Metrics {
  readonly counters: Counters;
  readonly #gauges = new Series<Gauge>();
  readonly #histograms = new Series<Histogram>();
  readonly #collectors = new Set<Collector>();

  constructor(counters: Counters = new Counters()) {
    this.counters = counters;
  }

  /** The gauge of this name and these labels: always the same one. */
  gauge(name: string, labels: Labels = NO_LABELS): Gauge {
    return this.#gauges.at(name, labels, () => new Gauge());
  }

  /** Forgets a gauge whose subject is gone, such as a task that moved away. */
  removeGauge(name: string, labels: Labels = NO_LABELS): void {
    this.#gauges.remove(name, labels);
  }

  /** The histogram of this name and these labels: always the same one. All of a name have the same bounds. */
  histogram(name: string, labels: Labels = NO_LABELS, bounds: readonly number[] = TIME_BOUNDS_MS): Histogram {
    return this.#histograms.at(name, labels, () => new Histogram(bounds));
  }

  /** Asks `collector` at every snapshot, until what this returns is called. */
  collect(collector: Collector): () => void {
    this.#collectors.add(collector);
    return () => void this.#collectors.delete(collector);
  }

  snapshot(): MetricsSnapshot {
    const counts: Sample[] = [...this.counters.samples()];
    const gauges: Sample[] = this.#gauges.map((name, labels, gauge) => ({ name, labels, value: gauge.value }));
    const report: Report = {
      count: (name, value, labels = NO_LABELS) => counts.push({ name, labels, value }),
      gauge: (name, value, labels = NO_LABELS) => gauges.push({ name, labels, value }),
    };
    for (const collector of this.#collectors) collector(report);
    return { counts, gauges, histograms: this.#histograms.map((name, labels, each) => each.sample(name, labels)) };
  }
}

/** One instrument for each name and labels. */
class Series<Instrument> {
  readonly #all = new Map<string, { name: string; labels: Labels; instrument: Instrument }>();

  at(name: string, labels: Labels, make: () => Instrument): Instrument {
    const id = idOf(name, labels);
    let entry = this.#all.get(id);
    if (entry === undefined) this.#all.set(id, (entry = { name, labels, instrument: make() }));
    return entry.instrument;
  }

  remove(name: string, labels: Labels): void {
    this.#all.delete(idOf(name, labels));
  }

  map<Result>(to: (name: string, labels: Labels, instrument: Instrument) => Result): Result[] {
    return Array.from(this.#all.values(), ({ name, labels, instrument }) => to(name, labels, instrument));
  }
}

function idOf(name: string, labels: Labels): string {
  return [name, ...Object.entries(labels).flat()].join('\0');
}

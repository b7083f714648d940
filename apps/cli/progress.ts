// How far long work is: a bar with rate and remaining time on a terminal, a line now and then anywhere else.
//
// Owns: what is shown, and when. Does not own: drawing the bar (the package cli-progress), how far the work is.
//
// Invariants:
//   P1. A terminal is left as it was found: the bar is gone after end().

import { Presets, SingleBar } from 'cli-progress';
import type { Clock } from '../../lib/clock.ts';
import { formatDuration } from '../../lib/duration.ts';
import type { Output } from './command.ts';

/** How far it is, within one part of the work. */
export interface Advance {
  /** What is being done, such as `reading`; another word begins another part. */
  readonly what: string;
  /** Of `total`, in any unit: bytes, lines. */
  readonly done: number;
  readonly total: number;
  /** Lines of that part so far, for the rate. */
  readonly lines: number;
  /** Event time that it has come to, ms; left out, or -1: there is none. */
  readonly eventTime?: number;
}

/** Between lines where there is no terminal: a log of an hour's work has some hundreds. */
const LINE_MS = 10_000;
/** With eight figures of lines and hours to go, all of it fits in 80 columns. */
const BAR_WIDTH = 16;
/** Of an ISO-8601 text. */
const DATE_LENGTH = 10;
const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const FORMAT = '{what} {bar} {percentage} %  {figures}';

export class Progress {
  readonly #out: Output;
  readonly #clock: Clock;
  #bar: SingleBar | null = null;
  #what = '';
  /** Of the part that is going on. */
  #startedAt = 0;
  #writtenAt = 0;

  /** `out` is where the user looks, standard error: what a command says of its result stays apart from it. */
  constructor(out: Output, clock: Clock) {
    this.#out = out;
    this.#clock = clock;
  }

  /** May be called as often as there is something to say. */
  report(advance: Advance): void {
    if (advance.what !== this.#what) this.#begin(advance);
    const now = this.#clock.now();
    const figures = figuresOf(advance, now - this.#startedAt);
    this.#bar?.update(advance.done, { what: advance.what, figures });
    if (this.#bar !== null || now - this.#writtenAt < LINE_MS) return;
    this.#writtenAt = now;
    const percent = advance.total > 0 ? Math.floor((100 * advance.done) / advance.total) : 100;
    this.#out.write(`${advance.what}: ${percent} %, ${figures}\n`);
  }

  /** To be called at the end, however it came (P1); idempotent. */
  end(): void {
    this.#bar?.stop();
    this.#bar = null;
    this.#what = '';
  }

  #begin({ what, total }: Advance): void {
    this.end();
    this.#what = what;
    this.#startedAt = this.#writtenAt = this.#clock.now();
    if (this.#out.isTTY !== true || total <= 0) return;
    const stream = this.#out as NodeJS.WriteStream;
    const options = { stream, format: FORMAT, barsize: BAR_WIDTH, linewrap: true, clearOnComplete: true };
    this.#bar = new SingleBar(options, Presets.shades_classic);
    this.#bar.start(total, 0, { what, figures: '' });
  }
}

function figuresOf({ done, total, lines, eventTime = -1 }: Advance, elapsedMs: number): string {
  const date = eventTime < 0 ? '' : `, ${new Date(eventTime).toISOString().slice(0, DATE_LENGTH)}`;
  const counted = `${grouped(lines)} lines${date}`;
  if (elapsedMs <= 0 || done <= 0) return counted;
  const leftMs = (elapsedMs * Math.max(0, total - done)) / done;
  const unitMs = leftMs > HOUR_MS ? MINUTE_MS : SECOND_MS;
  const rate = grouped(Math.round((lines * SECOND_MS) / elapsedMs));
  return `${counted}, ${rate}/s, ${formatDuration(Math.ceil(leftMs / unitMs) * unitMs)} left`;
}

/** `1234567` as `1,234,567`. */
function grouped(number: number): string {
  return number.toLocaleString('en-US');
}

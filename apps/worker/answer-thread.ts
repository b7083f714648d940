// The thread that answers questions, as the worker sees it: started by the first, ended when none came for a while.
//
// Owns: how many questions there may be and for how long. Does not own: answering (answer-entry.ts), who asks (the socket, HTTP).
//
// Invariants:
//   T1. Nobody who does not ask pays: without a question there is no thread.
//   T2. The engine goes on whatever is asked: answers are made in a thread of their own, whose memory is bounded (MEMORY_MB); when
//       it is used up, that thread ends, and its questions with an error.
//   T3. Questions under way, questions that wait, and the time for each are bounded. Who listens without end (`follow`) counts apart.
//   T4. ask() ends with a last line, always: a result, or an error.
//
// Edge `question`: a running worker is asked something by a command or a program.
//   throws: that question is answered with the error
//   rejects: as a throw
//   hangs: given up after its time (30 s, or half an hour), its thread is ended if it does not hear of it; the next starts another
//   too large: its thread has a bounded memory, and ends with its questions when that is used up; the engine goes on
//   behind: apps/worker/answer-entry.ts, services/live/

import { MessageChannel, Worker } from 'node:worker_threads';
import { serveLog } from '../../connectors/logs/embedded/index.ts';
import type { Clock } from '../../lib/clock.ts';
import { describeError, type EngineError, FatalError, RetryableError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { besideModule } from '../../lib/package-folder.ts';
import { encodeError } from '../../lib/wire-error.ts';
import type { Config } from '../../services/config/index.ts';
import type { OpenedLog } from '../../services/job/open-log.ts';
import { type Answers, lineOf } from '../../services/live/socket-server.ts';
import type { Patience } from '../../services/operation.ts';
import { OPERATIONS } from '../../services/operations.ts';
import type { LiveTasks } from '../../services/service-context.ts';
import type { AnswerData, FromAnswerThread, ToAnswerThread } from './answer-entry.ts';

export interface AnswerThreadOptions {
  readonly config: Config;
  readonly opened: OpenedLog;
  readonly live: LiveTasks;
  /** How the worker names itself in its group; null: the log has no groups. */
  readonly process: string | null;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Default IDLE_MS. */
  readonly idleMs?: number;
  /** Default LIMITS. */
  readonly limits?: Limits;
  /** What the thread runs; left out: answer-entry.ts. */
  readonly entry?: URL;
}

export interface Limits {
  /** How long an answer may take, ms. */
  readonly answerMs: Readonly<Record<Patience, number>>;
  /** Questions under way at a time. */
  readonly running: number;
  /** Of those that wait for the others. */
  readonly waiting: number;
  /** Who listens without end. */
  readonly listening: number;
}

type Question = Parameters<Answers['ask']>[0];

/** A journal of some hours takes minutes; what takes longer is a mistake, or better done beside the worker. */
export const LIMITS: Limits = {
  answerMs: { short: 30_000, long: 30 * 60_000, endless: Infinity },
  running: 4,
  waiting: 32,
  listening: 8,
};
const IDLE_MS = 60_000;
/** A question that was told to end, and a thread that was told to stop, have so long. */
const GRACE_MS = 5_000;
/** Of its heap: sorting and folding go to disk, and take far less. */
const MEMORY_MB = 512;

interface UnderWay {
  /** Parts that came, and the end of the answer. */
  readonly parts: { readonly text: string; readonly isLast: boolean }[];
  arrived: PromiseWithResolvers<void>;
  /** Why it was given up; null: it was not. */
  given: EngineError | null;
}

/** One life of the thread. */
interface Life {
  readonly worker: Worker;
  readonly questions: Map<number, UnderWay>;
  readonly ended: Promise<void>;
}

export class AnswerThread implements Answers {
  readonly #options: AnswerThreadOptions;
  readonly #limits: Limits;
  readonly #closing = new AbortController();
  #life: Life | null = null;
  #ids = 0;
  #running = 0;
  #listening = 0;
  readonly #waiting: (() => void)[] = [];
  #idle = new AbortController();

  constructor(options: AnswerThreadOptions) {
    this.#options = options;
    this.#limits = options.limits ?? LIMITS;
  }

  /** Whether the thread is there (T1). */
  get isUp(): boolean {
    return this.#life !== null;
  }

  async *ask(question: Question, signal: AbortSignal): AsyncGenerator<string, string, void> {
    const patience = patienceOf(question.operation);
    try {
      const leave = await this.#enter(patience, signal);
      try {
        return yield* this.#answer(question, patience, signal);
      } finally {
        leave();
      }
    } catch (error) {
      return lineOf({ error: encodeError(error) });
    }
  }

  /** Ends all questions, and the thread. */
  async close(): Promise<void> {
    this.#closing.abort();
    if (this.#life !== null) await this.#end(this.#life);
  }

  /** T3. Throws RetryableError TRG_WORKER_BUSY. */
  async #enter(patience: Patience, signal: AbortSignal): Promise<() => void> {
    const { running, listening } = this.#limits;
    if (this.#closing.signal.aborted) throw stopping();
    if (patience === 'endless') {
      if (this.#listening >= listening) throw busy(`${listening} already listen`);
      this.#listening++;
      return () => {
        this.#listening--;
        this.#left();
      };
    }
    if (this.#running < running) this.#running++;
    else await this.#queue(signal);
    return () => {
      // Whoever waits takes the place over, so that nobody else can.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
      this.#left();
    };
  }

  /** Until somebody's place is free, which is then the caller's. */
  async #queue(signal: AbortSignal): Promise<void> {
    const { waiting } = this.#limits;
    if (this.#waiting.length >= waiting) throw busy(`${waiting} questions wait already`);
    const placed = Promise.withResolvers<void>();
    this.#waiting.push(placed.resolve);
    const giveUp = (): void => {
      const place = this.#waiting.indexOf(placed.resolve);
      if (place < 0) return;
      this.#waiting.splice(place, 1);
      placed.reject(this.#closing.signal.aborted ? stopping() : signal.reason);
    };
    const ended = AbortSignal.any([signal, this.#closing.signal]);
    ended.addEventListener('abort', giveUp, { once: true });
    if (ended.aborted) giveUp();
    await placed.promise;
  }

  async *#answer(question: Question, patience: Patience, signal: AbortSignal): AsyncGenerator<string, string, void> {
    const life = (this.#life ??= this.#start());
    const id = ++this.#ids;
    const underWay: UnderWay = { parts: [], arrived: Promise.withResolvers(), given: null };
    life.questions.set(id, underWay);
    const tell = (message: ToAnswerThread): void => life.worker.postMessage(message);
    const over = new AbortController();
    const abort = (): void => tell({ kind: 'abort', id });
    signal.addEventListener('abort', abort, { once: true });
    void this.#watch(life, underWay, patience, over.signal, abort);
    tell({ kind: 'ask', id, ...question });
    try {
      for (;;) {
        await underWay.arrived.promise;
        underWay.arrived = Promise.withResolvers();
        for (const { text, isLast } of underWay.parts.splice(0)) {
          if (isLast) return underWay.given === null ? text : lineOf({ error: encodeError(underWay.given) });
          yield text;
          tell({ kind: 'more', id });
        }
      }
    } finally {
      over.abort();
      signal.removeEventListener('abort', abort);
      // The asker went away in the middle.
      if (life.questions.delete(id)) abort();
    }
  }

  /** Gives a question up that takes too long, and then the thread, if it does not hear of it. */
  async #watch(
    life: Life,
    underWay: UnderWay,
    patience: Patience,
    signal: AbortSignal,
    abort: () => void,
  ): Promise<void> {
    const { clock, logger } = this.#options;
    const ms = this.#limits.answerMs[patience];
    if (ms === Infinity) return;
    await clock.sleep(ms, signal);
    if (signal.aborted) return;
    underWay.given = busy(`the question took longer than ${ms / 1_000} s`);
    abort();
    await clock.sleep(GRACE_MS, signal);
    if (signal.aborted) return;
    logger.error({}, 'the thread that answers questions hangs, and is ended');
    await life.worker.terminate();
  }

  #start(): Life {
    const { config, opened, process, logger, entry } = this.#options;
    const { port1, port2 } = new MessageChannel();
    if (opened.kind === 'embedded') serveLog(opened.log, port1);
    const port = opened.kind === 'embedded' ? port2 : null;
    const worker = new Worker(entry ?? besideModule(import.meta.url, 'answer-entry'), {
      workerData: { config, port, process } satisfies AnswerData,
      transferList: port === null ? [] : [port],
      resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB },
    });
    const questions: Life['questions'] = new Map();
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    const life: Life = { worker, questions, ended };
    worker.on('message', (message: FromAnswerThread) => void this.#hear(life, message));
    worker.on('error', (error) => {
      logger.error({ error: describeError(error) }, 'the thread that answers questions ended');
    });
    void ended.then(() => {
      port1.close();
      if (this.#life === life) this.#life = null;
      const error = this.#closing.signal.aborted ? stopping() : endedByItself();
      for (const id of questions.keys()) arrive(life, id, lineOf({ error: encodeError(error) }), true);
    });
    return life;
  }

  async #hear(life: Life, message: FromAnswerThread): Promise<void> {
    if (message.kind !== 'look-up') return arrive(life, message.id, message.text, message.kind === 'end');
    const { id } = message;
    const reply = (answer: ToAnswerThread): void => life.worker.postMessage(answer);
    try {
      reply({ kind: 'looked-up', id, answer: await this.#options.live.lookUp(message.lookUp, this.#closing.signal) });
    } catch (error) {
      reply({ kind: 'not-looked-up', id, error: encodeError(error) });
    }
  }

  /** T1. After the last question the thread stays for a while. */
  #left(): void {
    this.#idle.abort();
    if (this.#running + this.#listening > 0 || this.#life === null) return;
    const idle = new AbortController();
    this.#idle = idle;
    const life = this.#life;
    void this.#options.clock.sleep(this.#options.idleMs ?? IDLE_MS, idle.signal).then(() => {
      if (!idle.signal.aborted && this.#running + this.#listening === 0) return this.#end(life);
    });
  }

  async #end(life: Life): Promise<void> {
    if (this.#life === life) this.#life = null;
    this.#idle.abort();
    life.worker.postMessage({ kind: 'stop' } satisfies ToAnswerThread);
    const over = new AbortController();
    await Promise.race([life.ended, this.#options.clock.sleep(GRACE_MS, over.signal)]);
    over.abort();
    await life.worker.terminate();
  }
}

function arrive({ questions }: Life, id: number, text: string, isLast: boolean): void {
  const underWay = questions.get(id);
  if (underWay === undefined) return;
  if (isLast) questions.delete(id);
  underWay.parts.push({ text, isLast });
  underWay.arrived.resolve();
}

function patienceOf(operation: string): Patience {
  return (OPERATIONS as Readonly<Record<string, { readonly patience: Patience }>>)[operation]?.patience ?? 'short';
}

function busy(why: string): RetryableError {
  return new RetryableError('TRG_WORKER_BUSY', `the worker cannot answer: ${why}`);
}

function endedByItself(): FatalError {
  return new FatalError('TRG_WORKER_FAILED', 'the thread that answers questions ended: the log says why');
}

function stopping(): RetryableError {
  return new RetryableError('TRG_WORKER_BUSY', 'the worker is stopping');
}

// What the thread does that answers questions: it runs the operations of services/operations.ts, on the worker's log.
//
// Owns: questions under way in this thread, handing answers over no faster than they are taken. Does not own: how many there may be
// and for how long (answer-thread.ts), what is asked (services/).

import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { connectToLog } from '../../connectors/logs/embedded/index.ts';
import { systemClock } from '../../lib/clock.ts';
import { describeError, EngineError, FatalError, RetryableError } from '../../lib/errors.ts';
import { createLogger } from '../../lib/logger.ts';
import { compileSchema, type SchemaCheck } from '../../lib/schema-check.ts';
import { decodeError, encodeError, type WireError } from '../../lib/wire-error.ts';
import type { Config } from '../../services/config/index.ts';
import type { GroupPeers } from '../../services/live/peers.ts';
import { lineOf } from '../../services/live/socket-server.ts';
import { OpenContext } from '../../services/open-context.ts';
import { answered, type Operation, type Service } from '../../services/operation.ts';
import { OPERATIONS } from '../../services/operations.ts';
import type { LiveTasks } from '../../services/service-context.ts';
import type { Log } from '../../topology/engine/ports.ts';
import type { LookUp, LookUpAnswer } from '../../topology/engine/questions.ts';

export interface AnswerData {
  readonly config: Config;
  /** To an embedded log; null: the log is a cluster. */
  readonly port: MessagePort | null;
  /** How the worker names itself in the group; null: the log has no groups. */
  readonly process: string | null;
}

/** What the thread is told. */
export type ToAnswerThread =
  | {
      readonly kind: 'ask';
      readonly id: number;
      readonly operation: string;
      readonly input: unknown;
      readonly isForwarded: boolean;
    }
  /** The last part was taken. */
  | { readonly kind: 'more' | 'abort'; readonly id: number }
  | { readonly kind: 'looked-up'; readonly id: number; readonly answer: LookUpAnswer }
  | { readonly kind: 'not-looked-up'; readonly id: number; readonly error: WireError }
  | { readonly kind: 'stop' };

/** What it tells: parts of an answer, lines of the protocol; what it wants to know of tasks. */
export type FromAnswerThread =
  | { readonly kind: 'part' | 'end'; readonly id: number; readonly text: string }
  | { readonly kind: 'look-up'; readonly id: number; readonly lookUp: LookUp };

type AnyService = Service<never, unknown, unknown>;

/** A part is handed over when it has so many characters. */
const PART_LENGTH = 64 * 1024;

interface UnderWay {
  readonly stop: AbortController;
  /** Resolves when the last part was taken. */
  taken: PromiseWithResolvers<void>;
}

const { config, port, process: name } = workerData as AnswerData;
const logger = createLogger(`${config.application}-answers`);
const log = port === null ? await kafkaLog() : connectToLog(port);
const underWay = new Map<number, UnderWay>();
const lookUps = new Map<number, PromiseWithResolvers<LookUpAnswer>>();
const checks = new Map<string, SchemaCheck>();
let lookedUp = 0;

const tell = (message: FromAnswerThread): void => parentPort!.postMessage(message);

const live: LiveTasks = {
  async lookUp(lookUp, signal) {
    signal.throwIfAborted();
    const id = ++lookedUp;
    const asked = Promise.withResolvers<LookUpAnswer>();
    lookUps.set(id, asked);
    tell({ kind: 'look-up', id, lookUp });
    const giveUp = (): void => asked.reject(signal.reason);
    signal.addEventListener('abort', giveUp, { once: true });
    return asked.promise.finally(() => signal.removeEventListener('abort', giveUp));
  },
};

const peers = name === null ? null : await peersOf(name);
const around = { config, clock: systemClock, folder: process.cwd(), log, live };
const context = new OpenContext({ ...around, ...(peers !== null && { peers }) });

async function kafkaLog(): Promise<Log> {
  const { openKafka } = await import('../../services/job/open-kafka.ts');
  return openKafka(config, systemClock);
}

async function peersOf(name: string): Promise<GroupPeers> {
  const { GroupPeers } = await import('../../services/live/peers.ts');
  const { application, group } = config;
  return new GroupPeers({ admin: log.admin, application, protocol: group.protocol, process: name, clock: systemClock });
}

parentPort!.on('message', (message: ToAnswerThread) => {
  switch (message.kind) {
    case 'ask':
      void answer(message);
      return;
    case 'more':
      underWay.get(message.id)?.taken.resolve();
      return;
    case 'abort':
      underWay.get(message.id)?.stop.abort();
      return;
    case 'looked-up':
      lookUps.get(message.id)?.resolve(message.answer);
      lookUps.delete(message.id);
      return;
    case 'not-looked-up':
      lookUps.get(message.id)?.reject(decodeError(message.error));
      lookUps.delete(message.id);
      return;
    case 'stop':
      void stop();
  }
});

async function answer(asked: ToAnswerThread & { kind: 'ask' }): Promise<void> {
  const { id } = asked;
  const question: UnderWay = { stop: new AbortController(), taken: Promise.withResolvers() };
  underWay.set(id, question);
  try {
    const result = await items(asked, question);
    tell({ kind: 'end', id, text: lineOf({ result }) });
  } catch (error) {
    tell({ kind: 'end', id, text: lineOf({ error: encodeError(told(asked.operation, error)) }) });
  } finally {
    underWay.delete(id);
  }
}

/** Hands over the items, a part at a time; returns the result. */
async function items(asked: ToAnswerThread & { kind: 'ask' }, question: UnderWay): Promise<unknown> {
  const { id, input, isForwarded } = asked;
  const { signal } = question.stop;
  const answers = answered(await serviceOf(asked), context, input as never, { signal, isForwarded });
  const part = new Part(id, question);
  for (;;) {
    const { done, value } = await answers.next();
    if (done === true) {
      await part.handOver();
      return value;
    }
    await part.add(lineOf({ item: value }), asked.operation.endsWith('.follow'));
  }
}

class Part {
  readonly #id: number;
  readonly #question: UnderWay;
  #text = '';

  constructor(id: number, question: UnderWay) {
    this.#id = id;
    this.#question = question;
  }

  /** `now`: it is not waited for more. */
  async add(line: string, now: boolean): Promise<void> {
    this.#text += line;
    if (now || this.#text.length >= PART_LENGTH) await this.handOver();
  }

  async handOver(): Promise<void> {
    if (this.#text === '') return;
    this.#question.taken = Promise.withResolvers();
    tell({ kind: 'part', id: this.#id, text: this.#text });
    this.#text = '';
    await this.#question.taken.promise;
  }
}

/** Throws FatalError TRG_WORKER_MISMATCH for an operation that is not known here, or an input that it does not take. */
async function serviceOf({
  operation: name,
  input,
  isForwarded,
}: ToAnswerThread & { kind: 'ask' }): Promise<AnyService> {
  const operation = (OPERATIONS as Readonly<Record<string, Operation<never, unknown, unknown>>>)[name];
  if (operation === undefined || (isForwarded && !operation.isForwarded)) {
    throw new FatalError('TRG_WORKER_MISMATCH', `this worker does not answer "${name}"`);
  }
  const service = await operation.load();
  const check = checks.get(name) ?? compileSchema(service.input);
  checks.set(name, check);
  const [finding] = check(input);
  if (finding === undefined) return service;
  throw new FatalError('TRG_WORKER_MISMATCH', `"${name}" was asked otherwise: ${finding.message}`);
}

/** What the asker is told: of a bug that there was one, and the log what. */
function told(operation: string, error: unknown): EngineError {
  if (error instanceof EngineError) return error;
  if (error instanceof Error && error.name === 'AbortError')
    return new RetryableError('TRG_WORKER_BUSY', 'the question was given up');
  logger.error({ operation, error: describeError(error), stack: (error as Error).stack }, 'a question failed');
  return new FatalError('TRG_WORKER_FAILED', `the worker failed at "${operation}": its log says why`);
}

async function stop(): Promise<void> {
  for (const { stop: end, taken } of underWay.values()) {
    end.abort();
    taken.resolve();
  }
  await context.close();
  await peers?.close();
  await log.close();
  // What a library left open must not keep a thread whose work is done.
  process.exit();
}

// Asks the worker that runs on a data folder.
//
// Invariants:
//   C1. What nobody answers ends: a worker that says nothing for SILENCE_MS is given up, with its process id where that is known.
//   C2. A socket that nobody listens at is that of a dead process: there is no worker.

import type { IncomingMessage } from 'node:http';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { FatalError, RetryableError } from '../../lib/errors.ts';
import { TimeLimitError, withinTime } from '../../lib/time-limit.ts';
import { decodeError } from '../../lib/wire-error.ts';
import { folderOwner } from '../../state/store/folder-lock.ts';
import type { Services } from '../operations.ts';
import { type AnswerLine, ASK_PATH, type Greeting, PROTOCOL, type Question, SILENCE_MS } from './protocol.ts';
import { socketFile, withShortPath } from './socket-path.ts';

export interface WorkerAddress {
  readonly dataDir: string;
  readonly application: string;
  readonly clock: Clock;
}

/** Nobody is there, or nobody who speaks with this user: no socket, one that its process left behind (C2), or another's. */
const NOBODY = new Set(['ENOENT', 'ENOTDIR', 'ECONNREFUSED', 'EACCES', 'EPERM']);

/**
 * The worker that runs on the data folder; null: none does that this user may ask. Asking throws what the operation throws;
 * RetryableError TRG_WORKER_SILENT; FatalError TRG_WORKER_MISMATCH.
 */
export async function findWorker(address: WorkerAddress): Promise<Services | null> {
  const socket = await connected(address);
  if (socket === null) return null;
  socket.destroy();
  return {
    ask: (operation, input, signal) => {
      const { application } = address;
      const lines = answerTo(address, { protocol: PROTOCOL, application, operation, input }, signal);
      return lines as never;
    },
  };
}

async function* answerTo(
  address: WorkerAddress,
  question: Question,
  signal: AbortSignal,
): AsyncGenerator<unknown, unknown, void> {
  signal.throwIfAborted();
  const socket = await connected(address);
  if (socket === null) throw silent('the worker ended before it could be asked');
  const end = (): void => void socket.destroy();
  signal.addEventListener('abort', end, { once: true });
  try {
    const lines = new Lines(address, await posted(address, socket, question));
    const greeting = (await lines.next()) as Greeting | null;
    if (greeting?.protocol !== PROTOCOL) throw mismatch(greeting);
    for (;;) {
      const line = (await lines.next()) as AnswerLine | null;
      if (line === null) throw silent('the worker ended in the middle of its answer');
      if ('error' in line) throw decodeError(line.error);
      if ('result' in line) return line.result;
      yield line.item;
    }
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', end);
    socket.destroy();
  }
}

async function connected({ dataDir }: WorkerAddress): Promise<Socket | null> {
  try {
    return await withShortPath(socketFile(dataDir), (path) => {
      return new Promise<Socket>((resolve, reject) => {
        const socket = connect({ path });
        socket.once('connect', () => resolve(socket));
        // Also of one that is given up later: what that means is said where it is read.
        socket.on('error', reject);
      });
    });
  } catch (error) {
    if (NOBODY.has((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw silent("the worker's socket cannot be used", error);
  }
}

/** The answer, once it begins. */
async function posted(address: WorkerAddress, socket: Socket, question: Question): Promise<IncomingMessage> {
  return heard(address, () => {
    return new Promise((resolve, reject) => {
      const post = request({ method: 'POST', path: ASK_PATH, createConnection: () => socket });
      post.setHeader('content-type', 'application/json');
      post.once('response', resolve);
      post.on('error', (error) => reject(silent('the worker ended before it answered', error)));
      post.end(JSON.stringify(question));
    });
  });
}

/** C1 */
async function heard<Result>({ clock, dataDir }: WorkerAddress, work: () => Promise<Result>): Promise<Result> {
  try {
    return await withinTime(clock, SILENCE_MS, new AbortController().signal, work);
  } catch (error) {
    if (!(error instanceof TimeLimitError)) throw error;
    const pid = (await folderOwner(dataDir)) ?? (await folderOwner(join(dataDir, 'log')));
    const who = pid === null ? 'the worker' : `the worker (process ${pid})`;
    throw silent(`${who} on ${dataDir} does not answer: nothing came for ${SILENCE_MS / 1_000} s`);
  }
}

/** Lines of an answer; those that only say that there is more to come are passed over. */
class Lines {
  readonly #address: WorkerAddress;
  readonly #chunks: AsyncIterator<string>;
  #text = '';

  constructor(address: WorkerAddress, answer: IncomingMessage) {
    this.#address = address;
    answer.setEncoding('utf8');
    this.#chunks = answer[Symbol.asyncIterator]();
  }

  /** Null: there are no more. */
  async next(): Promise<unknown> {
    for (;;) {
      const end = this.#text.indexOf('\n');
      if (end < 0) {
        const { value, done } = await heard(this.#address, () => this.#chunks.next().catch(broken));
        if (done === true) return null;
        this.#text += value;
        continue;
      }
      const line = this.#text.slice(0, end);
      this.#text = this.#text.slice(end + 1);
      if (line !== '') return parsed(line);
    }
  }
}

function broken(error: unknown): never {
  throw silent('the worker ended in the middle of its answer', error);
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw mismatch(null);
  }
}

function silent(message: string, cause?: unknown): RetryableError {
  return new RetryableError('TRG_WORKER_SILENT', message, {}, cause);
}

function mismatch(greeting: Greeting | null): FatalError {
  const spoken = typeof greeting?.protocol === 'number' ? `version ${greeting.protocol}` : 'another version';
  return new FatalError(
    'TRG_WORKER_MISMATCH',
    `the worker speaks ${spoken} of the protocol for questions, this command version ${PROTOCOL}`,
  );
}

// The socket of a running worker, over which commands of its machine ask it.
//
// Owns: the socket's file, its rights, carrying answers as fast as they are taken. Does not own: answering (whoever is given as
// `answers`).
//
// Invariants:
//   S1. Only the worker's own user may connect: the folder has mode 0700, the socket 0600.
//   S2. Whoever opens it holds the data folder's lock: a socket that is there already belongs to nobody, and is replaced.
//   S3. Who goes away is no longer answered.

import { chmod, mkdir, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Clock } from '../../lib/clock.ts';
import { FatalError } from '../../lib/errors.ts';
import { encodeError } from '../../lib/wire-error.ts';
import {
  type AnswerLine,
  ASK_PATH,
  type Greeting,
  HEARTBEAT_MS,
  PROTOCOL,
  QUESTION_BYTES_MAX,
  type Question,
} from './protocol.ts';
import { socketFile, socketFolder, withShortPath } from './socket-path.ts';

/** Whoever answers: items as lines of the protocol, several at a time, and the last line. Never throws. */
export interface Answers {
  ask(
    question: { readonly operation: string; readonly input: unknown; readonly isForwarded: boolean },
    signal: AbortSignal,
  ): AsyncGenerator<string, string, void>;
}

export interface SocketOptions {
  readonly dataDir: string;
  readonly application: string;
  readonly answers: Answers;
  readonly clock: Clock;
}

export interface OpenedSocket {
  /** Ends what is being answered. */
  close(): Promise<void>;
}

const FOLDER_MODE = 0o700;
const SOCKET_MODE = 0o600;

/** Throws what the file system throws, such as where it knows no sockets. */
export async function openSocket(options: SocketOptions): Promise<OpenedSocket> {
  const folder = socketFolder(options.dataDir);
  const file = socketFile(options.dataDir);
  await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
  await chmod(folder, FOLDER_MODE);
  await rm(file, { force: true });
  const server = createServer((request, response) => void serve(options, request, response));
  // Whoever may connect is the worker's own user: it is not put off, only bounded (answers).
  server.requestTimeout = 0;
  await withShortPath(file, (path) => listen(server, path));
  await chmod(file, SOCKET_MODE);
  return {
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await rm(file, { force: true });
    },
  };
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => resolve());
  });
}

async function serve(options: SocketOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  response.on('error', () => gone.abort());
  // Said to whoever asks whatever: the other side may be of any version.
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  response.write(lineOf({ protocol: PROTOCOL }));
  const heart = beat(response, options.clock, gone.signal);
  try {
    const question = await questionIn(request, options.application);
    await carry(options.answers.ask({ ...question, isForwarded: false }, gone.signal), response, gone.signal);
  } catch (error) {
    response.write(lineOf({ error: encodeError(error) }));
  }
  response.end();
  gone.abort();
  await heart;
}

/** S3. As fast as the other side takes it. */
async function carry(answer: ReturnType<Answers['ask']>, response: ServerResponse, gone: AbortSignal): Promise<void> {
  try {
    while (!gone.aborted) {
      const { done, value } = await answer.next();
      if (!response.write(value)) await drained(response, gone);
      if (done === true) return;
    }
  } finally {
    await answer.return('');
  }
}

async function beat(response: ServerResponse, clock: Clock, signal: AbortSignal): Promise<void> {
  for (;;) {
    await clock.sleep(HEARTBEAT_MS, signal);
    if (signal.aborted) return;
    response.write('\n');
  }
}

/** Throws FatalError TRG_WORKER_MISMATCH for a question of another version or application. */
async function questionIn(request: IncomingMessage, application: string): Promise<Question> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes > QUESTION_BYTES_MAX)
      throw new FatalError('TRG_USAGE', `a question is larger than ${QUESTION_BYTES_MAX} bytes`);
    chunks.push(chunk as Buffer);
  }
  const question = parsed(Buffer.concat(chunks).toString('utf8'));
  if (request.method !== 'POST' || request.url !== ASK_PATH || question?.protocol !== PROTOCOL) {
    const text = `this worker speaks version ${PROTOCOL} of the protocol for questions, the asker another`;
    throw new FatalError('TRG_WORKER_MISMATCH', text);
  }
  if (question.application !== application) {
    const text = `the worker on this data folder runs the application ${application}, not ${question.application}`;
    throw new FatalError('TRG_WORKER_MISMATCH', text);
  }
  return question;
}

function parsed(text: string): Question | null {
  try {
    return JSON.parse(text) as Question;
  } catch {
    return null;
  }
}

function drained(response: ServerResponse, gone: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      response.off('drain', end);
      gone.removeEventListener('abort', end);
      resolve();
    };
    response.once('drain', end);
    gone.addEventListener('abort', end, { once: true });
    if (gone.aborted) end();
  });
}

export function lineOf(line: AnswerLine | Greeting): string {
  return `${JSON.stringify(line)}\n`;
}

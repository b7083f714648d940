// The log in several threads of one process: one thread has the files, the others talk to it through a port.
//
// Batches cross as transferred buffers: the other threads encode, check and decode; the owning one only moves bytes.
//
// Invariants:
//   T1. A call is answered once, with its result or its error; when the port closes, the open ones fail.

import type { MessagePort, Transferable } from 'node:worker_threads';
import { decodeError, encodeError, type WireError } from '../../../lib/wire-error.ts';
import type { FetchRequest, LogCore, Transaction, WriterId } from './core.ts';
import { CoreLog } from './core-log.ts';
import { closedError } from './log-errors.ts';

/** Operations by name, and what each is called with. */
interface Calls {
  topics: [];
  createTopics: Parameters<LogCore['admin']['createTopics']>;
  committed: Parameters<LogCore['admin']['committed']>;
  offsets: Parameters<LogCore['admin']['offsets']>;
  fetch: [requests: readonly FetchRequest[], waitMs: number];
  openWriter: [transactionalId: string];
  commit: [writer: WriterId, transaction: Transaction];
  closeWriter: [writer: WriterId];
}

type Request =
  | { [Name in keyof Calls]: { id: number; name: Name; args: Calls[Name] } }[keyof Calls]
  | { abort: number };

type Response = { id: number; result: unknown } | { id: number; error: WireError };

/** Answers the other end of `port` from `log` until either closes it. Does not keep the process alive. */
export function serveLog(log: CoreLog, port: MessagePort): void {
  const { core } = log;
  const fetches = new Map<number, AbortController>();
  const answer = async (request: Exclude<Request, { abort: number }>): Promise<void> => {
    try {
      const result = await perform(core, request, fetches);
      port.postMessage({ id: request.id, result } satisfies Response, buffersOf(request.name, result));
    } catch (error) {
      port.postMessage({ id: request.id, error: encodeError(error) } satisfies Response);
    }
  };
  port.on('message', (request: Request) => {
    if ('abort' in request) fetches.get(request.abort)?.abort();
    else void answer(request);
  });
  port.on('close', () => {
    for (const fetch of fetches.values()) fetch.abort();
  });
  port.unref();
}

/** The log that serves the other end of `port`. Closing it closes the port only. */
export function connectToLog(port: MessagePort): CoreLog {
  return new CoreLog(new PortCore(port));
}

class PortCore implements LogCore {
  readonly admin: LogCore['admin'];
  readonly #port: MessagePort;
  readonly #open = new Map<number, { resolve: (result: never) => void; reject: (error: unknown) => void }>();
  #calls = 0;
  #closed = false;

  constructor(port: MessagePort) {
    this.#port = port;
    this.admin = {
      topics: () => this.#call('topics', []),
      createTopics: (specs) => this.#call('createTopics', [specs]),
      committed: (group, partitions) => this.#call('committed', [group, partitions]),
      offsets: (partition) => this.#call('offsets', [partition]),
    };
    port.on('message', (response: Response) => {
      const call = this.#open.get(response.id);
      this.#open.delete(response.id);
      if ('error' in response) call?.reject(decodeError(response.error));
      else call?.resolve(response.result as never);
    });
    port.on('close', () => this.#fail());
  }

  async fetch(...[requests, waitMs, signal]: Parameters<LogCore['fetch']>): ReturnType<LogCore['fetch']> {
    const id = this.#calls + 1;
    const abort = (): void => this.#port.postMessage({ abort: id } satisfies Request);
    const fetched = this.#call<Awaited<ReturnType<LogCore['fetch']>>>('fetch', [requests, signal.aborted ? 0 : waitMs]);
    signal.addEventListener('abort', abort, { once: true });
    try {
      return await fetched;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  openWriter(transactionalId: string): Promise<WriterId> {
    return this.#call('openWriter', [transactionalId]);
  }

  commit(writer: WriterId, transaction: Transaction): Promise<ReadonlyMap<string, number>> {
    const buffers = transaction.partitions.map(({ bytes }) => bytes.buffer);
    return this.#call('commit', [writer, transaction], buffers);
  }

  closeWriter(writer: WriterId): void {
    // Once the port is closed the log has forgotten this thread's writers or goes on without them.
    this.#call('closeWriter', [writer]).catch(() => {});
  }

  close(): Promise<void> {
    if (!this.#closed) this.#port.close();
    this.#fail();
    return Promise.resolve();
  }

  #call<Result>(name: keyof Calls, args: readonly unknown[], transfer: readonly Transferable[] = []): Promise<Result> {
    if (this.#closed) return Promise.reject(closedError());
    const id = ++this.#calls;
    return new Promise<Result>((resolve, reject) => {
      this.#open.set(id, { resolve, reject });
      this.#port.postMessage({ id, name, args }, transfer);
    });
  }

  #fail(): void {
    this.#closed = true;
    for (const { reject } of this.#open.values()) reject(closedError());
    this.#open.clear();
  }
}

async function perform(
  core: LogCore,
  request: Exclude<Request, { abort: number }>,
  fetches: Map<number, AbortController>,
): Promise<unknown> {
  switch (request.name) {
    case 'topics':
      return core.admin.topics();
    case 'createTopics':
      return core.admin.createTopics(...request.args);
    case 'committed':
      return core.admin.committed(...request.args);
    case 'offsets':
      return core.admin.offsets(...request.args);
    case 'openWriter':
      return core.openWriter(...request.args);
    case 'commit':
      return core.commit(...request.args);
    case 'closeWriter':
      return core.closeWriter(...request.args);
    case 'fetch': {
      const controller = new AbortController();
      fetches.set(request.id, controller);
      try {
        return await core.fetch(...request.args, controller.signal);
      } finally {
        fetches.delete(request.id);
      }
    }
  }
}

function buffersOf(name: keyof Calls, result: unknown): ArrayBuffer[] {
  if (name !== 'fetch') return [];
  return (result as Awaited<ReturnType<LogCore['fetch']>>).map((chunk) => chunk.bytes.buffer);
}

// Crashes a program at any await: wraps a log and its stores so that the n-th call from now fails, before or after it took
// effect, and every later call of that life fails too, as if the process had died there.

import type { KeyValueStore } from '../state/store/api.ts';
import type { Log, LogReader, LogWriter } from '../topology/engine/ports.ts';

/** What a call throws when its process is dead. */
export class CrashError extends Error {
  override name = 'CrashError';
}

export class CrashPoints {
  #countdown = Infinity;
  #when: 'before' | 'after' = 'before';
  /** Calls seen so far, of all lives. */
  calls = 0;
  #life = 0;
  #dead = false;

  /** Crashes at the n-th call from now (0: the next), before or after it took effect. */
  arm(countdown: number, when: 'before' | 'after'): void {
    this.#countdown = countdown;
    this.#when = when;
  }

  /** Begins a new life; calls of earlier ones keep failing. */
  restart(): void {
    this.#life++;
    this.#dead = false;
    this.#countdown = Infinity;
  }

  wrapLog(log: Log): Log {
    const call = this.#caller();
    return {
      ...(log.recordBytesMax !== undefined && { recordBytesMax: log.recordBytesMax }),
      admin: {
        topics: () => call(() => log.admin.topics()),
        createTopics: (specs) => call(() => log.admin.createTopics(specs)),
        committed: (...args) => call(() => log.admin.committed(...args)),
        offsets: (partition) => call(() => log.admin.offsets(partition)),
      },
      openReader: () => wrapReader(log.openReader(), call),
      openWriter: async (id) => wrapWriter(await call(() => log.openWriter(id)), call),
      close: async () => {},
    };
  }

  wrapStore(store: KeyValueStore): KeyValueStore {
    const call = this.#caller();
    return {
      get: (key) => store.get(key),
      range: (from, to, limit) => call(() => store.range(from, to, limit)),
      write: (batch) => call(() => store.write(batch)),
      clear: () => call(() => store.clear()),
      // The store lives on: the next life opens it again.
      close: async () => {},
    };
  }

  #caller() {
    const life = this.#life;
    return async <Result>(work: () => Promise<Result>): Promise<Result> => {
      if (this.#dead || life !== this.#life) throw new CrashError('the process is dead');
      this.calls++;
      const crashes = this.#countdown-- === 0;
      if (crashes && this.#when === 'before') this.#die();
      const result = await work();
      if (crashes) this.#die();
      return result;
    };
  }

  #die(): never {
    this.#dead = true;
    throw new CrashError('the process dies here');
  }
}

type Caller = <Result>(work: () => Promise<Result>) => Promise<Result>;

function wrapReader(reader: LogReader, call: Caller): LogReader {
  return {
    assign: (positions) => reader.assign(positions),
    read: (options) => call(() => reader.read(options)),
    pause: (partition) => reader.pause(partition),
    resume: (partition) => reader.resume(partition),
    close: () => reader.close(),
  };
}

function wrapWriter(writer: LogWriter, call: Caller): LogWriter {
  return {
    send: (records) => writer.send(records),
    commit: (group, positions) => call(() => writer.commit(group, positions)),
    abort: () => call(() => writer.abort()),
    // A process that dies closes nothing; the next one fences it.
    close: async () => {},
  };
}

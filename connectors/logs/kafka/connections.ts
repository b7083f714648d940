// Connections to a cluster's brokers, until closed.
//
// Invariants:
//   C1. Once closed it stays closed: the library's pool would connect again for a request that comes late, and keeps what was
//       being connected when it closed; either would keep the process from ending.

import type { Connection, ConnectionPool } from '@platformatic/kafka';
import { FatalError } from '../../../lib/errors.ts';

export interface Broker {
  readonly host: string;
  readonly port: number;
}

export class Connections {
  readonly #pool: ConnectionPool;
  #isClosed = false;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** To the first of these that can be reached. Throws the library's errors, and FatalError TRG_LOG_CLOSED. */
  async first(brokers: readonly Broker[]): Promise<Connection> {
    if (this.#isClosed) throw closedError();
    const connection = await this.#pool.getFirstAvailable([...brokers]);
    if (!this.#isClosed) return connection;
    await connection.close();
    throw closedError();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#pool.close();
  }
}

export function closedError(): FatalError {
  return new FatalError('TRG_LOG_CLOSED', 'the log was closed while in use');
}

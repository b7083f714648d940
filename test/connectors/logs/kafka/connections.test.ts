import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Connection, ConnectionPool } from '@platformatic/kafka';
import { Connections } from '../../../../connectors/logs/kafka/connections.ts';

/** A pool whose connections are made when the test says so. */
function slowPool() {
  const asked: PromiseWithResolvers<Connection>[] = [];
  let closed = 0;
  const connection = { close: async () => void closed++ } as unknown as Connection;
  const pool = {
    getFirstAvailable: () => {
      const made = Promise.withResolvers<Connection>();
      asked.push(made);
      return made.promise;
    },
    close: async () => {},
  } as unknown as ConnectionPool;
  return { pool, asked, connection, closed: () => closed };
}

const BROKERS = [{ host: '127.0.0.1', port: 9092 }];

test('what was being connected when all was closed is closed too (C1)', async () => {
  const { pool, asked, connection, closed } = slowPool();
  const connections = new Connections(pool);
  const late = connections.first(BROKERS);
  await connections.close();
  asked[0]!.resolve(connection);
  await assert.rejects(late, { code: 'TRG_LOG_CLOSED' });
  assert.equal(closed(), 1);
});

test('a request that comes late connects to nobody (C1)', async () => {
  const { pool, asked } = slowPool();
  const connections = new Connections(pool);
  await connections.close();
  await assert.rejects(connections.first(BROKERS), { code: 'TRG_LOG_CLOSED' });
  assert.equal(asked.length, 0);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { connectToLog, serveLog } from '../../../connectors/logs/embedded/threads.ts';
import { systemClock } from '../../../lib/clock.ts';
import { FatalError, RetryableError } from '../../../lib/errors.ts';
import { MemoryStore } from '../../../state/store/memory-store.ts';
import { openMemoryLog } from '../../../testing/memory-log.ts';
import { until } from '../../../testing/until.ts';
import { GlobalTables } from '../../../topology/engine/global-tables.ts';
import type { Log } from '../../../topology/engine/ports.ts';
import { openLog, temporaryFolder } from '../../connectors/logs/embedded/kit.ts';
import { globalTablesSuite } from '../../contract/global-tables.suite.ts';
import { record, text, write } from '../../contract/log-kit.ts';

const NEVER = new AbortController().signal;

globalTablesSuite('global tables over a log in memory', async (t) => {
  const log = openMemoryLog({ clock: systemClock });
  t.after(() => log.close());
  return log;
});

globalTablesSuite('global tables over the embedded log', async (t) => {
  return openLog(t, await temporaryFolder(t), { clock: systemClock });
});

globalTablesSuite('global tables over the embedded log through a port', async (t) => {
  const owner = await openLog(t, await temporaryFolder(t), { clock: systemClock });
  const { port1, port2 } = new MessageChannel();
  serveLog(owner, port1);
  const log = connectToLog(port2);
  t.after(() => log.close());
  return log;
});

test('a log that does not answer makes them wait, and nothing is taken for current meanwhile (G3)', async (t) => {
  const log = openMemoryLog({ clock: systemClock });
  await log.admin.createTopics([{ topic: 'facts', partitions: 1 }]);
  let isDown = false;
  const failing: Log = {
    admin: log.admin,
    openWriter: (id) => log.openWriter(id),
    close: () => log.close(),
    openReader: () => {
      const reader = log.openReader();
      return {
        assign: (positions) => reader.assign(positions),
        read: (options) =>
          isDown ? Promise.reject(new RetryableError('TRG_LOG_UNREACHABLE', 'down')) : reader.read(options),
        pause: () => {},
        resume: () => {},
        close: () => reader.close(),
      };
    },
  };
  let faults = 0;
  const tables = new GlobalTables({
    log: failing,
    tables: [{ topic: 'facts' }],
    store: new MemoryStore(),
    clock: systemClock,
    onFault: () => faults++,
  });
  t.after(() => tables.close());
  assert.equal(await tables.current(NEVER), true);
  isDown = true;
  let isKnown = false;
  const asked = tables.current(NEVER).then((answer) => (isKnown = answer));
  await write(log, [record('facts/0', 'no', 'u1')]);
  await until(() => faults >= 2, { message: 'it is tried again' });
  assert.equal(isKnown, false);
  isDown = false;
  assert.equal(await asked, true);
  assert.equal(text(tables.table('facts').get('u1')!.value), 'no');
});

test('a mirror that lies beyond the end of its topic is begun anew (G4)', async (t) => {
  const store = new MemoryStore();
  const old = openMemoryLog({ clock: systemClock });
  await old.admin.createTopics([{ topic: 'facts', partitions: 1 }]);
  await write(old, [record('facts/0', '1', 'a'), record('facts/0', '2', 'b')]);
  const options = { tables: [{ topic: 'facts' }], store, clock: systemClock, onFault: () => {} };
  const before = new GlobalTables({ log: old, ...options });
  await before.current(NEVER);
  await before.close();
  const anew = openMemoryLog({ clock: systemClock });
  await anew.admin.createTopics([{ topic: 'facts', partitions: 1 }]);
  await write(anew, [record('facts/0', '3', 'b')]);
  const after = new GlobalTables({ log: anew, ...options });
  t.after(() => after.close());
  await after.current(NEVER);
  assert.equal(after.table('facts').get('a'), undefined);
  assert.equal(text(after.table('facts').get('b')!.value), '3');
});

test('a topic that may not be read is told to who opens them, since time does not mend it', async (t) => {
  const log = openMemoryLog({ clock: systemClock });
  await log.admin.createTopics([{ topic: 'facts', partitions: 1 }]);
  const offsets = () => Promise.reject(new FatalError('TRG_LOG_DENIED', 'the user lacks Read'));
  const denying: Log = {
    admin: { topics: () => log.admin.topics(), offsets } as never,
    openWriter: (id) => log.openWriter(id),
    openReader: () => log.openReader(),
    close: () => log.close(),
  };
  const tables = new GlobalTables({
    log: denying,
    tables: [{ topic: 'facts' }],
    store: new MemoryStore(),
    clock: systemClock,
    onFault: () => {},
  });
  t.after(() => tables.close());
  await assert.rejects(tables.firstRead(), { code: 'TRG_LOG_DENIED' });
});

// What global tables must do over every log: G1 to G4 of topology/engine/global-tables.ts.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../lib/clock.ts';
import { MemoryStore } from '../../state/store/memory-store.ts';
import { until } from '../../testing/until.ts';
import { GlobalTables, type GlobalTablesOptions } from '../../topology/engine/global-tables.ts';
import type { Log } from '../../topology/engine/ports.ts';
import { type Cleanup, record, text, write } from './log-kit.ts';

const NEVER = new AbortController().signal;

export function globalTablesSuite(name: string, open: (t: Cleanup) => Promise<Log>): void {
  function tablesOver(t: Cleanup, log: Log, options: Partial<GlobalTablesOptions> = {}): GlobalTables {
    const tables = new GlobalTables({
      log,
      tables: [{ topic: 'facts' }, { topic: 'sums', fold: sum }],
      store: new MemoryStore(),
      clock: systemClock,
      onFault: () => {},
      ...options,
    });
    t.after(() => tables.close());
    return tables;
  }

  async function openTopics(t: Cleanup): Promise<Log> {
    const log = await open(t);
    await log.admin.createTopics([
      { topic: 'facts', partitions: 3, compacted: true },
      { topic: 'sums', partitions: 2 },
    ]);
    return log;
  }

  test(`${name}: what was committed before current() is there once it resolves, in every partition (G1)`, async (t) => {
    const log = await openTopics(t);
    const tables = tablesOver(t, log);
    const facts = tables.table('facts');
    for (let round = 0; round < 20; round++) {
      const partition = round % 3;
      await write(log, [record(`facts/${partition}`, `v${round}`, `k${partition}`)], `w${round}`);
      assert.equal(await tables.current(NEVER), true);
      assert.equal(text(facts.get(`k${partition}`)!.value), `v${round}`);
    }
  });

  test(`${name}: the newest record of a key counts, one without a value deletes it, and its time is known`, async (t) => {
    const log = await openTopics(t);
    const tables = tablesOver(t, log);
    const facts = tables.table('facts');
    await write(log, [record('facts/0', '1', 'a'), record('facts/0', '2', 'a'), record('facts/0', '3', 'b')]);
    await write(log, [record('facts/0', null, 'b')], 'w2');
    await tables.current(NEVER);
    assert.equal(text(facts.get('a')!.value), '2');
    assert.equal(facts.get('a')!.timestamp, 1_000);
    assert.equal(facts.get('b'), undefined);
    assert.equal(facts.get('c'), undefined);
  });

  test(`${name}: what was asked for before is what it is now: absent, there, another, gone, and after thousands of others`, async (t) => {
    const log = await openTopics(t);
    const tables = tablesOver(t, log);
    const facts = tables.table('facts');
    const seen: (string | undefined)[] = [];
    const look = (): void => {
      const entry = facts.get('a');
      seen.push(entry === undefined ? undefined : text(entry.value)!);
    };
    await tables.current(NEVER);
    look();
    for (const [round, value] of ['1', '2', null, '3'].entries()) {
      await write(log, [record('facts/0', value, 'a')], `w${round}`);
      await tables.current(NEVER);
      look();
      look();
    }
    for (let i = 0; i < 5_000; i++) assert.equal(facts.get(`other${i}`), undefined);
    look();
    assert.deepEqual(seen, [undefined, '1', '1', '2', '2', undefined, undefined, '3', '3', '3']);
  });

  test(`${name}: records of a key are folded one after the other, over answers of the log`, async (t) => {
    const log = await openTopics(t);
    const tables = tablesOver(t, log);
    await write(log, [record('sums/1', '1', 'a'), record('sums/1', '2', 'a')]);
    await tables.current(NEVER);
    await write(log, [record('sums/1', '4', 'a'), record('sums/0', '5', 'b')], 'w2');
    await tables.current(NEVER);
    assert.equal(text(tables.table('sums').get('a')!.value), '7');
    assert.equal(text(tables.table('sums').get('b')!.value), '5');
  });

  test(`${name}: a table goes on where it stood, and folds nothing twice (G4)`, async (t) => {
    const log = await openTopics(t);
    const store = new MemoryStore();
    const first = tablesOver(t, log, { store });
    await write(log, [record('sums/0', '1', 'a')]);
    await first.current(NEVER);
    await first.close();
    assert.equal(await first.current(NEVER), false);
    await write(log, [record('sums/0', '2', 'a')], 'w2');
    const second = tablesOver(t, log, { store });
    await second.current(NEVER);
    assert.equal(text(second.table('sums').get('a')!.value), '3');
  });

  test(`${name}: a thousand who ask at once are answered by a few reads (G2)`, async (t) => {
    const log = await openTopics(t);
    let reads = 0;
    const counting: Log = {
      ...log,
      admin: log.admin,
      openWriter: (id) => log.openWriter(id),
      close: () => log.close(),
      openReader: () => {
        const reader = log.openReader();
        return {
          assign: (positions) => reader.assign(positions),
          read: (options) => {
            reads++;
            return reader.read(options);
          },
          pause: (place) => reader.pause(place),
          resume: (place) => reader.resume(place),
          close: () => reader.close(),
        };
      },
    };
    const tables = tablesOver(t, counting);
    await tables.current(NEVER);
    reads = 0;
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => tables.current(NEVER)));
    assert.ok(answers.every((answer) => answer));
    assert.ok(reads <= 6, `${reads} reads`);
  });

  test(`${name}: who gives up is told that nothing is known, and holds nobody else up`, async (t) => {
    const log = await open(t);
    const faults: unknown[] = [];
    // Its topics are not there yet.
    const tables = tablesOver(t, log, { onFault: (error) => faults.push(error) });
    const giving = new AbortController();
    const givenUp = tables.current(giving.signal);
    let known = false;
    const waiting = tables.current(NEVER).then((answer) => (known = answer));
    giving.abort();
    assert.equal(await givenUp, false);
    await until(() => faults.length > 0, { message: 'that the topics are missing is told' });
    assert.equal(known, false);
    await log.admin.createTopics([
      { topic: 'facts', partitions: 1 },
      { topic: 'sums', partitions: 1 },
    ]);
    assert.equal(await waiting, true);
  });

  test(`${name}: what changes is told once it can be got`, async (t) => {
    const log = await openTopics(t);
    const told: string[] = [];
    const tables: GlobalTables = tablesOver(t, log, {
      onChange: (topic, key) => told.push(`${topic} ${key} ${text(tables.table(topic).get(key)!.value)}`),
    });
    await write(log, [record('facts/2', 'x', 'k')]);
    await until(() => told.length > 0, { message: 'the change is told without being asked for' });
    assert.deepEqual(told, ['facts k x']);
  });
}

function sum(before: { readonly value: Uint8Array } | undefined, { value }: { readonly value: Uint8Array | null }) {
  return Buffer.from(String(Number(before === undefined ? 0 : text(before.value)) + Number(text(value))));
}

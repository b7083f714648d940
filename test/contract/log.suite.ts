// What every Log must do: P1 to P4 of topology/engine/ports.ts and what it says of each method. Run on each implementation by
// test/testing/memory-log.test.ts, test/connectors/logs/embedded/contract.test.ts and test/connectors/logs/kafka/contract.test.ts.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AssertionError } from '../../lib/assert.ts';
import type { FakeClock } from '../../testing/fake-clock.ts';
import type { Log } from '../../topology/engine/ports.ts';
import { at, bytes, type Cleanup, readAll, record, someoneSleeps, text, valuesOf, write } from './log-kit.ts';

export interface LogUnderTest {
  readonly log: Log;
  readonly clock: FakeClock;
  /** Offsets that the end of a transaction takes in each of its partitions, after its records; left out: none. */
  readonly markers?: number;
}

const NOW = { maxBytes: 1_000_000, waitMs: 0 };

export function logSuite(name: string, open: (t: Cleanup) => Promise<LogUnderTest>): void {
  const openWithTopics = async (t: Cleanup): Promise<LogUnderTest> => {
    const opened = await open(t);
    await opened.log.admin.createTopics([
      { topic: 'events', partitions: 2 },
      { topic: 'actions', partitions: 1 },
    ]);
    return opened;
  };

  test(`${name}: a record comes back as it was sent`, async (t) => {
    const { log } = await openWithTopics(t);
    const headers = [
      ['traceparent', bytes('00-ab')],
      ['größe', bytes('')],
      ['traceparent', bytes('again')],
    ] as const;
    const sent = { ...record('events/1', 'värde', 'nyckel'), timestamp: 1_767_225_600_123, headers };
    await write(log, [sent]);
    const [read] = await readAll(log, { topic: 'events', partition: 1 });
    assert.equal(read!.offset, 0);
    assert.equal(read!.timestamp, 1_767_225_600_123);
    assert.equal(text(read!.key), 'nyckel');
    assert.equal(text(read!.value), 'värde');
    assert.deepEqual(
      read!.headers.map(([header, value]) => [header, text(value)]),
      [
        ['traceparent', '00-ab'],
        ['größe', ''],
        ['traceparent', 'again'],
      ],
    );
  });

  test(`${name}: null and empty keys and values stay apart, and times before 1970 are kept`, async (t) => {
    const { log } = await openWithTopics(t);
    await write(log, [{ ...record('events/0', null), timestamp: -5 }, record('events/0', '', '')]);
    const [nulls, empties] = await readAll(log, { topic: 'events', partition: 0 });
    assert.deepEqual([nulls!.key, nulls!.value, nulls!.timestamp], [null, null, -5]);
    assert.deepEqual([empties!.key?.length, empties!.value?.length], [0, 0]);
  });

  test(`${name}: what was sent may be changed by the sender afterwards`, async (t) => {
    const { log } = await openWithTopics(t);
    const writer = await log.openWriter('w');
    const value = bytes('before');
    writer.send([{ ...record('events/0', null), value }]);
    value.set(bytes('behind'));
    await writer.commit('group', []);
    assert.deepEqual(await valuesOf(log, 'events'), ['before']);
  });

  test(`${name}: a transaction becomes visible whole, in all its partitions, at commit (P1)`, async (t) => {
    const { log } = await openWithTopics(t);
    const writer = await log.openWriter('w');
    writer.send([record('events/0', 'a'), record('events/1', 'b')]);
    writer.send([record('actions/0', 'c'), record('events/0', 'd')]);
    assert.deepEqual(await valuesOf(log, 'events'), []);
    assert.deepEqual(await log.admin.offsets({ topic: 'events', partition: 0 }), { first: 0, end: 0, written: 0 });
    const ends = await writer.commit('group', [{ ...at('events', 0, 7), metadata: 'note' }]);
    assert.deepEqual([...ends].sort(), [
      ['actions/0', 1],
      ['events/0', 2],
      ['events/1', 1],
    ]);
    assert.deepEqual(await valuesOf(log, 'events', 0), ['a', 'd']);
    assert.deepEqual(await valuesOf(log, 'events', 1), ['b']);
    assert.deepEqual(await valuesOf(log, 'actions', 0), ['c']);
    const [position] = await log.admin.committed('group', [{ topic: 'events', partition: 0 }]);
    assert.deepEqual(position, { topic: 'events', partition: 0, offset: 7, metadata: 'note' });
  });

  test(`${name}: what is aborted is never seen, and the writer goes on (P1)`, async (t) => {
    const { log } = await openWithTopics(t);
    const writer = await log.openWriter('w');
    writer.send([record('events/0', 'dropped'), record('events/1', 'dropped')]);
    await writer.abort();
    writer.send([record('events/0', 'kept')]);
    await writer.commit('group', []);
    assert.deepEqual(await valuesOf(log, 'events', 0), ['kept']);
    assert.deepEqual(await valuesOf(log, 'events', 1), []);
  });

  test(`${name}: a commit of nothing changes nothing`, async (t) => {
    const { log } = await openWithTopics(t);
    const writer = await log.openWriter('w');
    assert.deepEqual(await writer.commit('group', []), new Map());
    assert.deepEqual(await log.admin.offsets({ topic: 'events', partition: 0 }), { first: 0, end: 0, written: 0 });
  });

  test(`${name}: positions alone can be committed`, async (t) => {
    const { log } = await openWithTopics(t);
    const writer = await log.openWriter('w');
    await writer.commit('group', [{ ...at('events', 1, 3), metadata: '' }]);
    const [position] = await log.admin.committed('group', [{ topic: 'events', partition: 1 }]);
    assert.equal(position!.offset, 3);
  });

  test(`${name}: transactions of several writers at once all arrive, each in one piece`, async (t) => {
    const { log } = await openWithTopics(t);
    const names = ['a', 'b', 'c', 'd', 'e'];
    const writers = await Promise.all(names.map((id) => log.openWriter(id)));
    const ends = await Promise.all(
      writers.map((writer, i) => {
        writer.send([record('events/0', `${names[i]}1`), record('events/0', `${names[i]}2`)]);
        return writer.commit(`group-${names[i]}`, [{ ...at('events', 0, i), metadata: '' }]);
      }),
    );
    const records = await readAll(log, { topic: 'events', partition: 0 });
    assert.equal(records.length, 10);
    for (const [i, id] of names.entries()) {
      const end = ends[i]!.get('events/0')!;
      const own = records.filter(({ offset }) => offset >= end - 2 && offset < end);
      assert.deepEqual(
        own.map(({ value }) => text(value)),
        [`${id}1`, `${id}2`],
      );
      const [position] = await log.admin.committed(`group-${id}`, [{ topic: 'events', partition: 0 }]);
      assert.equal(position!.offset, i);
    }
  });

  test(`${name}: groups do not see each other's positions, and the latest counts`, async (t) => {
    const { log } = await openWithTopics(t);
    const writer = await log.openWriter('w');
    await writer.commit('one', [{ ...at('events', 0, 1), metadata: 'x' }]);
    await writer.commit('two', [{ ...at('events', 0, 9), metadata: 'y' }]);
    await writer.commit('one', [{ ...at('events', 0, 0), metadata: 'z' }]);
    const where = [
      { topic: 'events', partition: 1 },
      { topic: 'events', partition: 0 },
    ];
    assert.deepEqual(await log.admin.committed('one', where), [undefined, { ...at('events', 0, 0), metadata: 'z' }]);
    assert.deepEqual((await log.admin.committed('two', where))[1], { ...at('events', 0, 9), metadata: 'y' });
    assert.deepEqual(await log.admin.committed('none', where), [undefined, undefined]);
  });

  test(`${name}: a note of 4 KB is kept, a longer one is a bug of the caller`, async (t) => {
    const { log } = await openWithTopics(t);
    const writer = await log.openWriter('w');
    await writer.commit('group', [{ ...at('events', 0, 1), metadata: 'é'.repeat(2048) }]);
    const [position] = await log.admin.committed('group', [{ topic: 'events', partition: 0 }]);
    assert.equal(position!.metadata, 'é'.repeat(2048));
    await assert.rejects(
      writer.commit('group', [{ ...at('events', 0, 1), metadata: 'é'.repeat(2049) }]),
      AssertionError,
    );
  });

  test(`${name}: a newer writer of the same id fences the older (P3)`, async (t) => {
    const { log } = await openWithTopics(t);
    const older = await log.openWriter('same');
    older.send([record('events/0', 'zombie')]);
    const newer = await log.openWriter('same');
    await assert.rejects(older.commit('group', [{ ...at('events', 0, 5), metadata: '' }]), { code: 'TRG_LOG_FENCED' });
    newer.send([record('events/0', 'alive')]);
    await newer.commit('group', []);
    assert.deepEqual(await valuesOf(log, 'events'), ['alive']);
    assert.deepEqual(await log.admin.committed('group', [{ topic: 'events', partition: 0 }]), [undefined]);
  });

  test(`${name}: a commit racing with the fence is decided by the time the newer writer is open (P3)`, async (t) => {
    const { log } = await openWithTopics(t);
    for (let round = 0; round < 20; round++) {
      const older = await log.openWriter('same');
      older.send([record('events/0', `${round}`)]);
      const outcome = older.commit('group', [{ ...at('events', 0, round), metadata: '' }]).then(
        () => true,
        (error: { code: string }) => {
          assert.equal(error.code, 'TRG_LOG_FENCED');
          return false;
        },
      );
      const newer = await log.openWriter('same');
      const before = await log.admin.offsets({ topic: 'events', partition: 0 });
      const tookEffect = await outcome;
      const after = await log.admin.offsets({ topic: 'events', partition: 0 });
      assert.deepEqual(after, before);
      const [position] = await log.admin.committed('group', [{ topic: 'events', partition: 0 }]);
      assert.equal(position?.offset === round, tookEffect);
      await newer.close();
    }
  });

  test(`${name}: writers of other ids are not fenced`, async (t) => {
    const { log } = await openWithTopics(t);
    const one = await log.openWriter('one');
    await log.openWriter('two');
    one.send([record('events/0', 'x')]);
    await one.commit('group', []);
    assert.deepEqual(await valuesOf(log, 'events'), ['x']);
  });

  test(`${name}: a fenced writer learns it also from an empty commit (P3)`, async (t) => {
    const { log } = await openWithTopics(t);
    const older = await log.openWriter('same');
    await log.openWriter('same');
    await assert.rejects(older.commit('group', []), { code: 'TRG_LOG_FENCED' });
  });

  test(`${name}: after a failed commit the writer is unusable and nothing of it was written (P4)`, async (t) => {
    const { log } = await openWithTopics(t);
    const writer = await log.openWriter('w');
    writer.send([record('events/0', 'x'), record('nowhere/0', 'y')]);
    await assert.rejects(writer.commit('group', [{ ...at('events', 0, 1), metadata: '' }]), {
      code: 'TRG_TOPIC_MISSING',
    });
    assert.throws(() => writer.send([record('events/0', 'z')]), AssertionError);
    await assert.rejects(writer.commit('group', []), AssertionError);
    assert.deepEqual(await valuesOf(log, 'events'), []);
    assert.deepEqual(await log.admin.committed('group', [{ topic: 'events', partition: 0 }]), [undefined]);
  });

  test(`${name}: a position of a missing partition fails the commit`, async (t) => {
    const { log } = await openWithTopics(t);
    const writer = await log.openWriter('w');
    await assert.rejects(writer.commit('group', [{ ...at('events', 2, 1), metadata: '' }]), {
      code: 'TRG_TOPIC_MISSING',
    });
  });

  test(`${name}: records are read in offset order, each once, whatever maxBytes is (P2)`, async (t) => {
    const { log, markers = 0 } = await openWithTopics(t);
    const values = Array.from({ length: 500 }, (_, i) => `${i}`.repeat(1 + (i % 7)));
    const writer = await log.openWriter('w');
    for (let i = 0; i < values.length; i += 50) {
      writer.send(values.slice(i, i + 50).map((value) => record('events/0', value)));
      await writer.commit('group', []);
    }
    for (const maxBytes of [1, 60, 777, 1_000_000]) {
      const records = await readAll(log, { topic: 'events', partition: 0 }, { maxBytes });
      assert.deepEqual(
        records.map(({ offset, value }) => [offset, text(value)]),
        values.map((value, i) => [i + Math.floor(i / 50) * markers, value]),
      );
    }
  });

  test(`${name}: reading starts where it is told, also in the middle of a transaction`, async (t) => {
    const { log, markers = 0 } = await openWithTopics(t);
    await write(
      log,
      ['a', 'b', 'c', 'd'].map((value) => record('events/0', value)),
    );
    await write(
      log,
      ['e', 'f'].map((value) => record('events/0', value)),
    );
    assert.deepEqual(await valuesOf(log, 'events', 0, 2), ['c', 'd', 'e', 'f']);
    assert.deepEqual(await valuesOf(log, 'events', 0, 5 + markers), ['f']);
    assert.deepEqual(await valuesOf(log, 'events', 0, 6 + markers), []);
  });

  test(`${name}: an answer names every partition that is not paused, with positions and ends`, async (t) => {
    const { log, markers = 0 } = await openWithTopics(t);
    await write(log, [record('events/0', 'a'), record('events/0', 'b')]);
    const reader = log.openReader();
    t.after(() => reader.close());
    reader.assign([at('events', 0, 0), at('events', 1, 0), at('actions', 0, 0)]);
    const answer = [...(await reader.read(NOW))].sort(
      (a, b) => a.topic.localeCompare(b.topic) || a.partition - b.partition,
    );
    assert.deepEqual(
      answer.map(({ topic, partition, endOffset }) => [topic, partition, endOffset]),
      [
        ['actions', 0, 0],
        ['events', 0, 2 + markers],
        ['events', 1, 0],
      ],
    );
    const [none, next, other] = answer.map(({ nextOffset }) => nextOffset);
    assert.deepEqual([none, other], [0, 0]);
    // A marker may come with the records before it or with the next answer.
    assert.ok(next! >= 2 && next! <= 2 + markers, `${next}`);
  });

  test(`${name}: the end offset is that of now, also when records were fetched before`, async (t) => {
    const { log, markers = 0 } = await openWithTopics(t);
    await write(log, [record('events/0', 'a'), record('events/0', 'b')]);
    const reader = log.openReader();
    t.after(() => reader.close());
    reader.assign([at('events', 0, 0)]);
    const [first] = await reader.read({ maxBytes: 24, waitMs: 0 });
    assert.deepEqual([first!.records.length, first!.nextOffset, first!.endOffset], [1, 1, 2 + markers]);
    await write(log, [record('events/0', 'c')]);
    const [second] = await reader.read({ maxBytes: 24, waitMs: 0 });
    assert.deepEqual(
      [text(second!.records[0]!.value), second!.nextOffset, second!.endOffset],
      ['b', 2 + markers, 3 + 2 * markers],
    );
  });

  test(`${name}: a paused partition is left out until it is resumed, and loses nothing`, async (t) => {
    const { log } = await openWithTopics(t);
    await write(log, [record('events/0', 'a'), record('events/0', 'b'), record('events/1', 'c')]);
    const reader = log.openReader();
    t.after(() => reader.close());
    reader.assign([at('events', 0, 0), at('events', 1, 0)]);
    reader.pause({ topic: 'events', partition: 1 });
    const [one, ...rest] = await reader.read({ maxBytes: 24, waitMs: 0 });
    assert.deepEqual([text(one!.records[0]!.value), rest.length], ['a', 0]);
    reader.pause({ topic: 'events', partition: 0 });
    reader.resume({ topic: 'events', partition: 1 });
    const [other, ...none] = await reader.read(NOW);
    assert.deepEqual([text(other!.records[0]!.value), other!.partition, none.length], ['c', 1, 0]);
    reader.resume({ topic: 'events', partition: 0 });
    const values = (await reader.read(NOW)).flatMap(({ records }) => records.map(({ value }) => text(value)));
    assert.deepEqual(values, ['b']);
  });

  test(`${name}: assigning anew replaces what is read and from where`, async (t) => {
    const { log } = await openWithTopics(t);
    await write(
      log,
      ['a', 'b', 'c'].map((value) => record('events/0', value)),
    );
    const reader = log.openReader();
    t.after(() => reader.close());
    reader.assign([at('events', 0, 0), at('actions', 0, 0)]);
    await reader.read({ maxBytes: 24, waitMs: 0 });
    reader.assign([at('events', 0, 1)]);
    const answer = await reader.read(NOW);
    assert.equal(answer.length, 1);
    assert.deepEqual(
      answer[0]!.records.map(({ value }) => text(value)),
      ['b', 'c'],
    );
  });

  test(`${name}: maxBytes bounds the whole answer, and no partition starves`, async (t) => {
    const { log } = await openWithTopics(t);
    const many = Array.from({ length: 200 }, (_, i) => `${i}`.padStart(78, '0'));
    await write(
      log,
      many.flatMap((value) => [record('events/0', value), record('events/1', value)]),
    );
    const reader = log.openReader();
    t.after(() => reader.close());
    reader.assign([at('events', 0, 0), at('events', 1, 0)]);
    const seen = [0, 0];
    for (let reads = 1; seen[0]! + seen[1]! < 400; reads++) {
      const answer = await reader.read({ maxBytes: 1_000, waitMs: 0 });
      const bytesRead = answer
        .flatMap(({ records }) => records)
        .reduce((sum, { value }) => sum + 22 + value!.length, 0);
      assert.ok(bytesRead <= 1_000, `${bytesRead} bytes`);
      for (const { partition, records } of answer) seen[partition]! += records.length;
      assert.ok(reads < 200, 'every read brings something');
      if (reads === 10) assert.ok(seen[0]! > 20 && seen[1]! > 20, `after ten reads ${seen}`);
    }
    assert.deepEqual(seen, [200, 200]);
  });

  test(`${name}: a record larger than maxBytes comes alone`, async (t) => {
    const { log } = await openWithTopics(t);
    const large = 'x'.repeat(400_000);
    await write(log, [record('events/0', 'small'), record('events/0', large), record('events/0', 'after')]);
    await write(log, [record('events/1', 'other')]);
    const reader = log.openReader();
    t.after(() => reader.close());
    reader.assign([at('events', 0, 1), at('events', 1, 0)]);
    const sizes: number[] = [];
    for (let left = 3; left > 0; ) {
      const records = (await reader.read({ maxBytes: 1_000, waitMs: 0 })).flatMap((fetched) => fetched.records);
      if (records.some(({ value }) => value!.length === 400_000)) assert.equal(records.length, 1);
      left -= records.length;
      sizes.push(records.length);
      assert.ok(sizes.length < 10, `${sizes}`);
    }
    assert.deepEqual(await valuesOf(log, 'events'), ['small', large, 'after']);
  });

  test(`${name}: partitions of records larger than maxBytes are served in turn`, async (t) => {
    const { log } = await openWithTopics(t);
    const large = Array.from({ length: 4 }, () => 'x'.repeat(2_000));
    await write(
      log,
      large.flatMap((value) => [record('events/0', value), record('events/1', value)]),
    );
    const reader = log.openReader();
    t.after(() => reader.close());
    reader.assign([at('events', 0, 0), at('events', 1, 0)]);
    const seen = [0, 0];
    for (let reads = 0; reads < 4; reads++) {
      const answer = await reader.read({ maxBytes: 1_000, waitMs: 0 });
      for (const { partition, records } of answer) seen[partition]! += records.length;
    }
    assert.deepEqual(seen, [2, 2]);
  });

  test(`${name}: a read that waits is woken by a commit to what it reads`, async (t) => {
    const { log, clock } = await openWithTopics(t);
    const reader = log.openReader();
    t.after(() => reader.close());
    reader.assign([at('events', 0, 0)]);
    const reading = reader.read({ maxBytes: 1_000, waitMs: 60_000 });
    await someoneSleeps(clock);
    await write(log, [record('actions/0', 'elsewhere')]);
    await write(log, [record('events/0', 'here')]);
    const [fetched] = await reading;
    assert.deepEqual(
      fetched!.records.map(({ value }) => text(value)),
      ['here'],
    );
    assert.equal(clock.sleeping, 0);
  });

  test(`${name}: a read that waits in vain answers with every partition after waitMs, not before`, async (t) => {
    const { log, clock } = await openWithTopics(t);
    const reader = log.openReader();
    t.after(() => reader.close());
    reader.assign([at('events', 0, 0), at('events', 1, 0)]);
    let isDone = false;
    const reading = reader.read({ maxBytes: 1_000, waitMs: 500 }).then((answer) => {
      isDone = true;
      return answer;
    });
    await someoneSleeps(clock);
    await clock.advance(499);
    assert.equal(isDone, false);
    await clock.advance(1);
    const answer = await reading;
    assert.deepEqual(
      answer.map(({ nextOffset, endOffset }) => nextOffset >= endOffset),
      [true, true],
    );
  });

  test(`${name}: a signal, a new assignment, resuming and closing end a wait`, async (t) => {
    const { log, clock } = await openWithTopics(t);
    await write(log, [record('events/1', 'x')]);
    const reader = log.openReader();
    const wait = async (end: () => unknown, signal?: AbortSignal): Promise<number> => {
      reader.assign([at('events', 0, 0), at('events', 1, 0)]);
      reader.pause({ topic: 'events', partition: 1 });
      const reading = reader.read({ maxBytes: 1_000, waitMs: 60_000, ...(signal === undefined ? {} : { signal }) });
      await someoneSleeps(clock);
      await end();
      const answer = await reading;
      assert.equal(clock.sleeping, 0);
      return answer.length;
    };
    const controller = new AbortController();
    assert.equal(await wait(() => controller.abort(), controller.signal), 1);
    await wait(() => reader.resume({ topic: 'events', partition: 1 }));
    assert.equal(await wait(() => reader.assign([])), 0);
    assert.equal(await wait(() => reader.close()), 0);
  });

  test(`${name}: a read during which the assignment changed brings nothing, and takes nothing of the new one`, async (t) => {
    const { log, clock } = await openWithTopics(t);
    const reader = log.openReader();
    reader.assign([at('events', 0, 0)]);
    const reading = reader.read({ maxBytes: 1_000, waitMs: 60_000 });
    await someoneSleeps(clock);
    await write(log, [record('events/1', 'x'), record('events/1', 'y')]);
    reader.assign([at('events', 0, 0), at('events', 1, 0)]);
    assert.deepEqual(await reading, []);
    const next = await reader.read({ maxBytes: 1_000, waitMs: 0 });
    assert.deepEqual(
      next.flatMap(({ records }) => records.map(({ value }) => text(value))),
      ['x', 'y'],
    );
  });

  test(`${name}: topics are created once, and their partition count is theirs for good`, async (t) => {
    const { log } = await openWithTopics(t);
    await log.admin.createTopics([
      { topic: 'events', partitions: 2 },
      { topic: 'late', partitions: 3, compacted: true, retentionMs: 1_000 },
    ]);
    assert.deepEqual([...(await log.admin.topics())].sort(), [
      ['actions', 1],
      ['events', 2],
      ['late', 3],
    ]);
    const wrong = log.admin.createTopics([
      { topic: 'fresh', partitions: 1 },
      { topic: 'events', partitions: 4 },
    ]);
    await assert.rejects(wrong, { name: 'FatalError', code: 'TRG_TOPIC_MISMATCH' });
    assert.equal((await log.admin.topics()).has('fresh'), false);
  });

  test(`${name}: asking for a missing topic says so`, async (t) => {
    const { log } = await openWithTopics(t);
    await assert.rejects(log.admin.offsets({ topic: 'nowhere', partition: 0 }), { code: 'TRG_TOPIC_MISSING' });
    await assert.rejects(log.admin.offsets({ topic: 'events', partition: 2 }), { code: 'TRG_TOPIC_MISSING' });
    const reader = log.openReader();
    t.after(() => reader.close());
    reader.assign([at('nowhere', 0, 0)]);
    await assert.rejects(reader.read(NOW), { name: 'FatalError', code: 'TRG_TOPIC_MISSING' });
    await write(log, [record('events/0', 'x')]);
    reader.assign([at('events', 0, 0)]);
    const [fetched] = await reader.read(NOW);
    assert.equal(fetched!.records.length, 1);
  });

  test(`${name}: closing twice is fine, and a closed log takes nothing`, async (t) => {
    const { log } = await openWithTopics(t);
    const writer = await log.openWriter('w');
    writer.send([record('events/0', 'x')]);
    const reader = log.openReader();
    reader.assign([at('events', 0, 0)]);
    await log.close();
    await log.close();
    await assert.rejects(writer.commit('group', []), { code: 'TRG_LOG_CLOSED' });
    await assert.rejects(reader.read(NOW), { code: 'TRG_LOG_CLOSED' });
    await reader.close();
    await reader.close();
    await writer.close();
    await writer.close();
  });
}

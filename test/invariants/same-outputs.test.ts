// I1: outputs are a pure function of inputs, journal and rules.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { LogRecord } from '../../schemas/record.ts';
import { type ReplayedRecord, replayJournal } from '../../testing/journal-replay.ts';
import { withGarbage } from './garbage.ts';
import { APPLICATION, anyAct, keepingUp, OUT_OF_ORDERNESS_MS, outputsOf, PLAIN, play } from './live.ts';
import { anySources, oneSource, plans, sending } from './plans.ts';
import { holds } from './property.ts';

/** What tasks write for others to read, each partition by one task. */
const ofOneTask = (topic: string): boolean => /^(tripline\.(decisions|late)|actions\..*)$/.test(topic);
/** What several tasks may write into one partition of: their order among each other is nobody's. */
const ofSeveral = (topic: string): boolean => topic === 'tripline.dead-letter' || topic.endsWith('-repartition');
/** A watermark in the repartition topic goes to all partitions, without a key. */
const isEvent = ({ key }: ReplayedRecord): boolean => key !== null;

function textOf({ timestamp, key, value, headers }: ReplayedRecord): string {
  const hex = (bytes: Uint8Array | null): string => (bytes === null ? '-' : Buffer.from(bytes).toString('hex'));
  return [timestamp, hex(key), hex(value), ...headers.flatMap(([name, bytes]) => [name, hex(bytes)])].join(' ');
}

function texts(outputs: ReadonlyMap<string, readonly ReplayedRecord[]>): Record<string, string[]> {
  const named = [...outputs].map(([where, records]): [string, string[]] => [where, records.map(textOf)]);
  return Object.fromEntries(named.filter(([, lines]) => lines.length > 0).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function only<Item>(outputs: ReadonlyMap<string, Item>, wanted: (topic: string) => boolean): Map<string, Item> {
  return new Map([...outputs].filter(([where]) => wanted(where.slice(0, where.lastIndexOf('/')))));
}

const sortedTexts = (outputs: ReadonlyMap<string, readonly ReplayedRecord[]>): Record<string, string[]> =>
  texts(new Map([...outputs].map(([where, records]) => [where, [...records].sort(byText)])));
const byText = (a: ReplayedRecord, b: ReplayedRecord): number => (textOf(a) < textOf(b) ? -1 : 1);

holds(
  'however it fetches, caches and commits, and wherever it dies, a run that keeps up writes the same bytes (I1)',
  50,
  plans({ act: keepingUp, shuffle: 'beyond', shape: oneSource }),
  async (plan) => {
    const options = sending(plan);
    const straight = options.moves.map(({ silence }) => {
      return { silence: silence.map(() => ({ kind: 'run' }) as const), after: { kind: 'run' } as const };
    });
    const plain = await play({ ...options, moves: straight, tuning: PLAIN });
    const rough = await play(options);
    const written = await outputsOf(plain.driver, ofOneTask);
    assert.deepEqual(texts(await outputsOf(rough.driver, ofOneTask)), texts(written));
    await plain.driver.close();
    await rough.driver.close();
  },
);

const otherTuning = fc.record({ dirtyBytesMax: fc.constantFrom(1_000_000, 1, 5_000), cacheBytes: fc.constant(1_000) });

for (const [what, shape] of [
  ['one source', oneSource],
  ['several sources, repartitioned or not', anySources],
] as const) {
  holds(
    `the journal of any run with ${what}, replayed, gives its outputs byte by byte (I1)`,
    60,
    fc.tuple(withGarbage(plans({ act: anyAct, shuffle: 'beyond', shape })), otherTuning),
    async ([plan, tuning]) => {
      const { driver, topology } = await play(sending(plan));
      const { log } = driver;
      const settings = { log, topology: topology(), application: APPLICATION, outOfOrdernessMs: OUT_OF_ORDERNESS_MS };
      const replayed = await replayJournal({ ...settings, ...tuning });
      assert.deepEqual(texts(only(replayed, ofOneTask)), texts(await outputsOf(driver, ofOneTask)));
      const shared = await outputsOf(driver, ofSeveral);
      const events = new Map(
        [...shared].map(([where, records]): [string, LogRecord[]] => [where, records.filter(isEvent)]),
      );
      assert.deepEqual(sortedTexts(only(replayed, ofSeveral)), sortedTexts(events));
      await driver.close();
    },
  );
}

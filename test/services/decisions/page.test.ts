import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Decision } from '../../../schemas/decision.ts';
import { decisionCodec } from '../../../schemas/framed.ts';
import { type DecisionPageQuery, decisionPage } from '../../../services/decisions/page.ts';
import type { ServiceContext } from '../../../services/service-context.ts';
import { FakeClock } from '../../../testing/fake-clock.ts';
import { MemoryLog } from '../../../testing/memory-log.ts';

const TOPIC = 'tripline.decisions';
const ASKED = { signal: new AbortController().signal, isForwarded: false };

function decision(id: string, rule: string, at: number): Decision {
  const entity = { type: 'user', id: 'u1' };
  const rest = {
    outcome: 'fired',
    reason: null,
    events: [],
    values: {},
    variant: null,
    flow: null,
    step: 0,
    passedOver: [],
    gathered: [],
    digest: null,
  } as const;
  return { id, rule, ruleVersion: 'v1', entity, at, ...rest };
}

interface Made {
  readonly partition: number;
  readonly rule: string;
  readonly at: number;
}

/** A log that decisions are written to, in order; each has its number as id. */
async function logWith(partitions: number) {
  const log = new MemoryLog(new FakeClock());
  await log.admin.createTopics([{ topic: TOPIC, partitions }]);
  let written = 0;
  const write = async (made: readonly Made[]): Promise<void> => {
    const writer = await log.openWriter('test');
    writer.send(
      made.map(({ partition, rule, at }) => {
        const value = decisionCodec.encode(decision(String(written++), rule, at));
        return { topic: TOPIC, partition, timestamp: at, key: Buffer.from('u1'), value, headers: [] };
      }),
    );
    await writer.commit('test', []);
  };
  const context = {
    config: { topics: { prefix: 'tripline' } },
    log: async () => log,
  } as unknown as ServiceContext;
  const page = (query: DecisionPageQuery) => decisionPage(context, query, ASKED);
  return { write, page };
}

const made = fc.record({
  partition: fc.nat({ max: 2 }),
  rule: fc.constantFrom('a', 'b'),
  at: fc.integer({ min: 1, max: 1_000 }),
});

test('pages one after the other have every decision once, each partition backwards, whatever is written meanwhile', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(made, { maxLength: 400 }),
      fc.integer({ min: 1, max: 50 }),
      fc.constantFrom(undefined, 'a'),
      fc.array(made, { maxLength: 5 }),
      async (before, limit, rule, meanwhile) => {
        const { write, page } = await logWith(3);
        await write(before);
        const query = { limit, ...(rule !== undefined && { rule }) };
        const found: string[] = [];
        for (let cursor: string | null = null, pages = 0; pages === 0 || cursor !== null; pages++) {
          const { decisions, next }: Awaited<ReturnType<typeof page>> = await page({
            ...query,
            ...(cursor !== null && { cursor }),
          });
          assert.ok(decisions.length <= limit);
          assert.ok(decisions.length === limit || next === null);
          found.push(...decisions.map(({ id }) => id));
          cursor = next;
          await write(meanwhile);
        }
        const wanted = before
          .map((each, id) => ({ ...each, id }))
          .filter((each) => rule === undefined || each.rule === rule);
        assert.deepEqual(
          [...found].map(Number).sort((a, b) => a - b),
          wanted.map(({ id }) => id),
        );
        for (const partition of [0, 1, 2]) {
          const ofPartition = wanted.filter((each) => each.partition === partition).map(({ id }) => String(id));
          assert.deepEqual(
            found.filter((id) => ofPartition.includes(id)),
            ofPartition.toReversed(),
          );
        }
      },
    ),
    { numRuns: 40 },
  );
});

test('the newest comes first across partitions, by the time of the record', async () => {
  const { write, page } = await logWith(2);
  await write([10, 20, 30, 40].map((at, i) => ({ partition: i % 2, rule: 'a', at })));
  const first = await page({ limit: 3 });
  assert.deepEqual(
    first.decisions.map(({ at }) => Date.parse(at)),
    [40, 30, 20],
  );
  const second = await page({ limit: 3, cursor: first.next! });
  assert.deepEqual([second.decisions.map(({ at }) => Date.parse(at)), second.next], [[10], null]);
});

test('a page that passes over very many is short, and the next goes on behind (P1)', async () => {
  const { write, page } = await logWith(1);
  await write([{ partition: 0, rule: 'rare', at: 1 }]);
  for (let i = 0; i < 25; i++) await write(Array.from({ length: 1_000 }, () => ({ partition: 0, rule: 'a', at: 2 })));
  const first = await page({ rule: 'rare' });
  assert.deepEqual(first.decisions, []);
  assert.notEqual(first.next, null);
  const second = await page({ rule: 'rare', cursor: first.next! });
  assert.deepEqual([second.decisions.map(({ id }) => id), second.next], [['0'], null]);
});

test('without the topic, and of an empty one, there is an empty page', async () => {
  const { page } = await logWith(1);
  assert.deepEqual(await page({}), { decisions: [], next: null });
  const nothing = { config: { topics: { prefix: 'other' } }, log: async () => new MemoryLog(new FakeClock()) };
  assert.deepEqual(await decisionPage(nothing as unknown as ServiceContext, {}, ASKED), { decisions: [], next: null });
});

test('what is no cursor of ours is wrong usage', async () => {
  const { page } = await logWith(1);
  for (const cursor of [
    'nonsense',
    Buffer.from('{"a":1}').toString('base64url'),
    Buffer.from('[-1]').toString('base64url'),
  ]) {
    await assert.rejects(page({ cursor }), { code: 'TRG_USAGE' });
  }
});

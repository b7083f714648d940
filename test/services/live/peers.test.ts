// Asking other workers: over real HTTP, in a group that the test describes.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { fastify } from 'fastify';
import { addInternalRoutes } from '../../../apps/http/internal-routes.ts';
import { RetryableError } from '../../../lib/errors.ts';
import { encodeError } from '../../../lib/wire-error.ts';
import { GroupPeers } from '../../../services/live/peers.ts';
import { type Answers, lineOf } from '../../../services/live/socket-server.ts';
import type { Verdict } from '../../../services/service-context.ts';
import { FakeClock } from '../../../testing/fake-clock.ts';
import { until } from '../../../testing/until.ts';
import { type AskAddress, encodeNote } from '../../../topology/engine/group/notes.ts';
import type { DescribedMember } from '../../../topology/engine/ports.ts';

const PLACE = { topic: 'events', partition: 0 };

interface Known {
  readonly documents: readonly string[];
  readonly hasTask: boolean;
}

const judge = ({ documents, hasTask }: Known): Verdict =>
  documents.length > 0 ? 'found' : hasTask ? 'absent' : 'elsewhere';

/** What a worker was asked. */
type Asked = Parameters<Answers['ask']>[0];

/** A worker that answers so; with the questions that came. */
async function peer(t: TestContext, answer: () => Known | Error) {
  const asked: Asked[] = [];
  const app = fastify();
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.setErrorHandler((error, _request, reply) => reply.code((error as { status?: number }).status ?? 500).send({}));
  addInternalRoutes(app, {
    token: 'secret',
    application: 'shop',
    answers: {
      // biome-ignore lint/correctness/useYield: it has no items
      async *ask(question) {
        asked.push(question);
        const result = answer();
        return lineOf(result instanceof Error ? { error: encodeError(result) } : { result });
      },
    },
  });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  t.after(() => app.close());
  return { url, asked, ask: { url, token: 'secret' } };
}

/** A member's thread, with the partitions that it has. */
function member(process: string, partitions: readonly number[], ask: AskAddress | null | undefined): DescribedMember {
  const note = { process, writer: `shop-${process}`, offsets: {}, ...(ask !== undefined && { ask }) };
  return {
    memberId: `${process}-${partitions.join()}`,
    note: encodeNote(note),
    partitions: partitions.map((partition) => ({ topic: 'events', partition })),
  };
}

type Description = readonly DescribedMember[] | null;

/** Asks in a group that shows itself so, one description after the other, and then the last again and again. */
async function asking(
  t: TestContext,
  descriptions: readonly Description[],
  { place = PLACE as typeof PLACE | null, protocol = 'classic' as 'classic' | 'consumer' } = {},
) {
  const clock = new FakeClock();
  let described = 0;
  const members = async (): Promise<Description> => descriptions[Math.min(described++, descriptions.length - 1)]!;
  const peers = new GroupPeers({ admin: { members }, application: 'shop', protocol, process: 'me', clock });
  t.after(() => peers.close());
  const input = { type: 'user', id: 'u1' };
  const answer = peers.ask<Known>({ operation: 'state.entity', input, place, judge }, new AbortController().signal);
  let isSettled = false;
  const settled = answer.finally(() => {
    isSettled = true;
  });
  settled.catch(() => {});
  await until(
    async () => {
      if (clock.sleeping > 0) await clock.advance(200);
      await new Promise((resolve) => setImmediate(resolve));
      return isSettled;
    },
    { message: 'the peers have answered, or nobody does' },
  );
  return { answer: settled, looks: () => described };
}

const FOUND: Known = { documents: ['u1'], hasTask: true };
const ABSENT: Known = { documents: [], hasTask: true };
const ELSEWHERE: Known = { documents: [], hasTask: false };

test('the worker that was dealt the partition is asked, once, and told that the question was handed on', async (t) => {
  const owner = await peer(t, () => FOUND);
  const other = await peer(t, () => ELSEWHERE);
  const group = [
    member('me', [2], null),
    member('owner', [1], owner.ask),
    member('owner', [0], owner.ask),
    member('other', [3], other.ask),
  ];
  const { answer } = await asking(t, [group]);
  assert.deepEqual(await answer, FOUND);
  assert.deepEqual(owner.asked, [{ operation: 'state.entity', input: { type: 'user', id: 'u1' }, isForwarded: true }]);
  assert.deepEqual(other.asked, []);
});

test('when the owner knows nothing, the others are asked: senders may put events anywhere', async (t) => {
  const owner = await peer(t, () => ABSENT);
  const other = await peer(t, () => ({ documents: ['u1'], hasTask: false }));
  const { answer } = await asking(t, [[member('owner', [0], owner.ask), member('other', [1], other.ask)]]);
  assert.deepEqual((await answer)?.documents, ['u1']);
  const nobody = await peer(t, () => ELSEWHERE);
  const none = await asking(t, [[member('owner', [0], owner.ask), member('other', [1], nobody.ask)]]);
  assert.equal(await none.answer, null);
});

test('of an entity whose task is here and knows nothing, only the others are asked', async (t) => {
  const other = await peer(t, () => ELSEWHERE);
  const { answer } = await asking(t, [[member('me', [0], null), member('other', [1], other.ask)]], { place: null });
  assert.equal(await answer, null);
  assert.equal(other.asked.length, 1);
});

test('while the group deals out it is waited for, shortly, and then the new owner is asked', async (t) => {
  const old = await peer(t, () => ELSEWHERE);
  const owner = await peer(t, () => FOUND);
  const moved = [member('old', [1], old.ask), member('owner', [0], owner.ask)];
  const { answer, looks } = await asking(t, [
    [member('old', [0], old.ask), member('owner', [1], owner.ask)],
    null,
    moved,
  ]);
  assert.deepEqual(await answer, FOUND);
  assert.equal(looks(), 3);
});

test('what goes on moving is said to, in so many words', async (t) => {
  for (const descriptions of [[null], [[member('other', [1], null)]], [[member('me', [0], null)]]]) {
    const { answer, looks } = await asking(t, descriptions);
    await assert.rejects(answer, { code: 'TRG_TASK_MOVING' });
    assert.ok(looks() > 20, `${looks()} looks`);
  }
  const restoring = await peer(t, () => new RetryableError('TRG_TASK_MOVING', 'it is being restored'));
  const { answer } = await asking(t, [[member('owner', [0], restoring.ask)]]);
  await assert.rejects(answer, { code: 'TRG_TASK_MOVING', message: 'it is being restored' });
});

test('an error of the worker that is asked is the answer', async (t) => {
  const busy = await peer(t, () => new RetryableError('TRG_WORKER_BUSY', 'too many'));
  const { answer, looks } = await asking(t, [[member('owner', [0], busy.ask)]]);
  await assert.rejects(answer, { name: 'RetryableError', code: 'TRG_WORKER_BUSY', message: 'too many' });
  assert.equal(looks(), 1);
});

test('a worker that cannot be asked is named with the reason: older, without an address, another process, gone', async (t) => {
  const owner = await peer(t, () => FOUND);
  const cases: readonly [AskAddress | null | undefined, RegExp][] = [
    [undefined, /^the worker owner is of an older version, which no worker can ask$/],
    [null, /^the worker owner cannot be asked by others: set `http`, and `http.advertise`, there$/],
    [
      { ...owner.ask, token: 'of another' },
      /^another process than the worker owner answers at http:.*http\.advertise$/,
    ],
    [{ ...owner.ask, url: `${owner.url}/nowhere` }, /^the worker owner at .* answered with 404$/],
    [{ ...owner.ask, url: 'http://127.0.0.1:1' }, /^the worker owner at .* did not answer: /],
  ];
  for (const [ask, message] of cases) {
    const { answer } = await asking(t, [[member('owner', [0], ask)]]);
    await assert.rejects(answer, { code: 'TRG_PEER_UNREACHABLE', message });
  }
  assert.deepEqual(owner.asked, []);
});

test('nothing is said to be forgotten while a worker cannot be asked that may know it', async (t) => {
  const owner = await peer(t, () => ABSENT);
  const { answer } = await asking(t, [[member('owner', [0], owner.ask), member('older', [1], undefined)]]);
  await assert.rejects(answer, { code: 'TRG_PEER_UNREACHABLE', message: /^the worker older is of an older version/ });
});

test('by the protocol consumer, workers know nothing of each other, and it is said so', async (t) => {
  const { answer, looks } = await asking(t, [[]], { protocol: 'consumer' });
  await assert.rejects(answer, { code: 'TRG_PEER_UNREACHABLE', message: /group\.protocol: consumer/ });
  assert.equal(looks(), 0);
});

test('members of one process are one worker, also of those that gave no name', async (t) => {
  const owner = await peer(t, () => FOUND);
  const nameless = (id: string, partitions: readonly number[]) => ({
    ...member('', partitions, undefined),
    memberId: id,
  });
  const { answer } = await asking(t, [[nameless('a', [1]), nameless('b', [2]), member('owner', [0], owner.ask)]]);
  assert.deepEqual(await answer, FOUND);
});

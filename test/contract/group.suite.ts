// What every group must do: GroupMember of topology/engine/ports.ts, and commits by its members. Run by
// test/testing/memory-group.test.ts and test/connectors/logs/kafka/group.test.ts on memory and on a broker; leaderSuite only where
// a member deals out the partitions.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type {
  CommittedPosition,
  GroupMember,
  GroupOptions,
  JoinedMember,
  MemberIdentity,
} from '../../topology/engine/ports.ts';
import { dealEvenly, Follower, TIMES, type Worker } from './group-kit.ts';
import { at, bytes, type Cleanup, record, text, valuesOf } from './log-kit.ts';

export interface GroupUnderTest {
  /** All workers share one cluster, on which the topic `topic` has four partitions and the group is new. */
  worker(): Worker;
  readonly group: string;
  readonly topic: string;
  /** Lets time pass until the condition holds; throws when it never does. Returns how long it took, ms. */
  until(what: string, condition: () => boolean): Promise<number>;
  /** For what must not happen meanwhile. */
  pass(ms: number): Promise<void>;
}

type Suite = (what: string, run: (under: GroupUnderTest) => Promise<void>) => void;

function suiteOf(name: string, open: (t: Cleanup) => Promise<GroupUnderTest>): Suite {
  return (what, run) => {
    test(`${name}: ${what}`, async (t) => run(await open(t)));
  };
}

async function allSettled({ until }: GroupUnderTest, ...members: readonly Follower[]): Promise<void> {
  await until('members share all partitions, evenly', () => {
    const dealt = members.flatMap(({ has }) => has ?? []);
    const least = Math.floor(4 / members.length);
    const isEven = members.every(({ isSettled, has }) => isSettled && (has?.length ?? 0) >= least);
    return isEven && dealt.length === 4 && new Set(dealt).size === 4;
  });
}

async function commit(
  { group, topic }: GroupUnderTest,
  { log }: Worker,
  member: MemberIdentity,
  value: string,
): Promise<void> {
  const writer = await log.openWriter(`writer-${value}-of-${group}`);
  writer.send([record(`${topic}/0`, value)]);
  await writer.commit(group, [position(topic, value)], member);
  await writer.close();
}

async function assertWroteNothing({ group, topic }: GroupUnderTest, { log }: Worker): Promise<void> {
  assert.deepEqual(await log.admin.committed(group, [{ topic, partition: 0 }]), [undefined]);
  assert.deepEqual(await valuesOf(log, topic), []);
}

export function groupSuite(name: string, open: (t: Cleanup) => Promise<GroupUnderTest>): void {
  const suite = suiteOf(name, open);

  suite('members share the partitions, and share them anew as others come', async (under) => {
    const { worker, group, topic } = under;
    const first = new Follower(worker(), { group, topics: [topic] });
    assert.equal(first.member.state, 'joining');
    assert.equal(first.member.identity, null);
    assert.equal(first.member.assignment, null);
    await allSettled(under, first);
    const second = new Follower(worker(), { group, topics: [topic] });
    await allSettled(under, first, second);
    const third = new Follower(worker(), { group, topics: [topic] });
    await allSettled(under, first, second, third);
    assert.deepEqual([first, second, third].map(({ has }) => has!.length).sort(), [1, 1, 2]);
    const identities = [first, second, third].map(({ member }) => member.identity!);
    assert.equal(new Set(identities.map(({ generation }) => generation)).size, 1);
    assert.equal(new Set(identities.map(({ memberId }) => memberId)).size, 3);
  });

  suite('a member that leaves is missed at once, long before its session would end', async (under) => {
    const { worker, group, topic, until } = under;
    const slow = { sessionTimeoutMs: 20_000, rebalanceTimeoutMs: 20_000 };
    const first = new Follower(worker(), { group, topics: [topic], ...slow });
    const second = new Follower(worker(), { group, topics: [topic], ...slow });
    await allSettled(under, first, second);
    await second.member.close({ leave: true });
    const tookMs = await until('the first has all', () => first.isSettled && first.has!.length === 4);
    assert.ok(tookMs < 3_000, `${tookMs} ms`);
  });

  suite('a member that stops without leaving is thrown out when its session ends', async (under) => {
    const { worker, group, topic } = under;
    const first = new Follower(worker(), { group, topics: [topic] });
    const second = new Follower(worker(), { group, topics: [topic] });
    await allSettled(under, first, second);
    await second.member.close({ leave: false });
    await second.member.close({ leave: true });
    await allSettled(under, first);
  });

  suite('a silent member is thrown out: its commits are refused and write nothing, and it learns that it is lost', async (under) => {
    const { worker, group, topic, until } = under;
    const first = new Follower(worker(), { group, topics: [topic] });
    const second = new Follower(worker(), { group, topics: [topic] });
    await allSettled(under, first, second);
    second.worker.freeze();
    const zombie = second.member.identity!;
    await until('the first has all', () => first.isSettled && first.has!.length === 4);
    await assert.rejects(commit(under, first.worker, zombie, '7'), { name: 'FencedError', code: 'TRG_MEMBER_LOST' });
    await assertWroteNothing(under, first.worker);
    assert.equal(second.member.state, 'settled');
    second.worker.thaw();
    await until('the second is lost', () => second.isLost);
    assert.equal(second.member.state, 'failed');
    second.join();
    assert.equal(second.member.state, 'failed');
    await second.member.close({ leave: true });
    assert.deepEqual(first.has, [0, 1, 2, 3]);
  });

  suite('a static member that comes back takes its place, and the others notice nothing', async (under) => {
    const { worker, group, topic, until, pass } = under;
    const first = new Follower(worker(), { group, topics: [topic], instanceId: 'a' });
    const second = new Follower(worker(), { group, topics: [topic], instanceId: 'b' });
    await allSettled(under, first, second);
    for (const [leaving, staying] of [
      [first, second],
      [second, first],
    ] as const) {
      const before = staying.states.length;
      const { has } = leaving;
      const { instanceId, memberId, generation } = leaving.member.identity!;
      await leaving.member.close({ leave: false });
      const back = new Follower(worker(), { group, topics: [topic], instanceId });
      await until('it is back', () => back.isSettled);
      assert.deepEqual(back.has, has);
      assert.equal(back.member.identity!.generation, generation);
      assert.notEqual(back.member.identity!.memberId, memberId);
      await pass(2 * TIMES.heartbeatMs);
      assert.equal(staying.states.length, before);
      await back.member.close({ leave: false });
    }
  });

  suite('a static member that leaves for good is missed at once', async (under) => {
    const { worker, group, topic, until } = under;
    const slow = { sessionTimeoutMs: 20_000, rebalanceTimeoutMs: 20_000 };
    const first = new Follower(worker(), { group, topics: [topic], instanceId: 'a', ...slow });
    const second = new Follower(worker(), { group, topics: [topic], instanceId: 'b', ...slow });
    await allSettled(under, first, second);
    await first.member.close({ leave: true });
    const tookMs = await until('the second has all', () => second.isSettled && second.has!.length === 4);
    assert.ok(tookMs < 3_000, `${tookMs} ms`);
  });
}

export function leaderSuite(name: string, open: (t: Cleanup) => Promise<GroupUnderTest>): void {
  const suite = suiteOf(name, open);

  suite('the leader sees what each member says of itself, and each member what the leader says', async (under) => {
    const { worker, group, topic } = under;
    const first = new Follower(worker(), { group, topics: [topic], name: 'Anna' });
    const second = new Follower(worker(), { group, topics: [topic], name: 'Béla' });
    await allSettled(under, first, second);
    assert.equal(first.note, 'Anna Béla');
    assert.equal(second.note, 'Anna Béla');
  });

  suite('whoever looks sees who is in the group, with what it said and was dealt, but not while the group deals out', async (under) => {
    const { worker, group, topic, until } = under;
    const { log } = worker();
    let gate = Promise.resolve();
    const assign: GroupOptions['assign'] = async (members) => {
      await gate;
      return dealEvenly(members, [topic]);
    };
    const first = new Follower(worker(), { group, topics: [topic], name: 'first', assign });
    const second = new Follower(worker(), { group, topics: [topic], name: 'second', assign });
    await allSettled(under, first, second);
    const seen = (await log.admin.members!(group))!.map(({ note, partitions }) => {
      return [text(note), partitions.map(({ partition }) => partition).sort()];
    });
    assert.deepEqual(Object.fromEntries(seen), { first: first.has, second: second.has });
    const dealing = Promise.withResolvers<void>();
    gate = dealing.promise;
    const third = new Follower(worker(), { group, topics: [topic], name: 'third', assign });
    await until('the group deals out', () => first.member.state !== 'settled' && second.member.state !== 'settled');
    assert.equal(await log.admin.members!(group), null);
    dealing.resolve();
    await allSettled(under, first, second, third);
    assert.equal((await log.admin.members!(group))!.length, 3);
    assert.deepEqual(await log.admin.members!(`${group}-nobody`), []);
  });

  suite('a member is summoned before it must join, and may commit until it does', async (under) => {
    const { worker, group, topic, until } = under;
    const first = new Follower(worker(), { group, topics: [topic], onChange: () => {} });
    assert.equal(first.member.state, 'summoned');
    first.join();
    assert.equal(first.member.state, 'joining');
    await until('the first is settled', () => first.isSettled);
    const { generation } = first.member.identity!;
    const second = new Follower(worker(), { group, topics: [topic], onChange: () => {} });
    second.join();
    await until('the first is summoned', () => first.member.state === 'summoned');
    assert.deepEqual(first.has, [0, 1, 2, 3]);
    assert.equal(second.member.state, 'joining');
    await commit(under, first.worker, first.member.identity!, '1');
    first.member.join(first.member.assignment!.partitions, bytes(''));
    await until('both are settled', () => first.isSettled && second.isSettled);
    assert.deepEqual([first.has!.length, second.has], [2, []]);
    assert.deepEqual(
      [first, second].map(({ member }) => member.identity!.generation),
      [generation + 1, generation + 1],
    );
    assert.deepEqual(first.states, ['settled', 'summoned', 'settled']);
    assert.equal((await first.worker.log.admin.committed(group, [{ topic, partition: 0 }]))[0]!.offset, 1);
  });

  suite('a member of an earlier generation cannot commit, though it is still in the group', async (under) => {
    const { worker, group, topic } = under;
    const first = new Follower(worker(), { group, topics: [topic] });
    await allSettled(under, first);
    const earlier = first.member.identity!;
    const second = new Follower(worker(), { group, topics: [topic] });
    await allSettled(under, first, second);
    await assert.rejects(commit(under, first.worker, earlier, '7'), { name: 'FencedError', code: 'TRG_MEMBER_LOST' });
    await assertWroteNothing(under, first.worker);
    await commit(under, first.worker, first.member.identity!, '8');
    assert.deepEqual(await valuesOf(first.worker.log, topic), ['8']);
  });

  suite('a rebalance does not wait for a member that is alive but does not join', async (under) => {
    const { worker, group, topic, until } = under;
    const idle = new Follower(worker(), { group, topics: [topic], onChange: () => {} });
    idle.join();
    await until('the first is settled', () => idle.isSettled);
    const second = new Follower(worker(), { group, topics: [topic] });
    await allSettled(under, second);
    await until('the first is lost', () => idle.isLost);
    assert.deepEqual(idle.states, ['settled', 'summoned', 'failed']);
  });

  suite('of two under one instance id the newer stays; the older cannot commit, and says how to mend it', async (under) => {
    const { worker, group, topic, until } = under;
    const older = new Follower(worker(), { group, topics: [topic], instanceId: 'a' });
    await allSettled(under, older);
    const newer = new Follower(worker(), { group, topics: [topic], instanceId: 'a' });
    await allSettled(under, newer);
    await assert.rejects(commit(under, newer.worker, older.member.identity!, '7'), { code: 'TRG_MEMBER_LOST' });
    await assertWroteNothing(under, newer.worker);
    await until('the older has noticed', () => older.member.state === 'failed');
    const { name, code } = older.member.error as Error & { code: string };
    assert.deepEqual([name, code], ['FatalError', 'TRG_INSTANCE_FENCED']);
    await older.member.close({ leave: true });
    await commit(under, newer.worker, newer.member.identity!, '8');
  });

  suite('a join that replaces another counts alone, and the member settles once', async (under) => {
    const { worker, group, topic, until } = under;
    const seen: string[] = [];
    const member: GroupMember = worker().openMember({
      ...TIMES,
      group,
      topics: [topic],
      instanceId: null,
      assign: async (members) => {
        seen.push(members.map(({ note, owned }) => `${Buffer.from(note)} ${owned.length}`).join());
        return dealEvenly(members, [topic]);
      },
      onChange: () => seen.push(member.state),
    });
    member.join([], bytes('old'));
    member.join([], bytes('new'));
    await until('it is settled', () => member.state === 'settled');
    assert.deepEqual(seen.slice(-2), ['new 0', 'settled']);
    assert.equal(seen.filter((each) => each === 'settled').length, 1);
    await member.close({ leave: true });
  });

  suite('who comes while the leader deals out makes everyone join again', async (under) => {
    const { worker, group, topic, until, pass } = under;
    const dealing = Promise.withResolvers<void>();
    let hasBegun = false;
    const first = new Follower(worker(), {
      group,
      topics: [topic],
      assign: async (members) => {
        hasBegun = true;
        await dealing.promise;
        return dealEvenly(members, [topic]);
      },
    });
    await until('the first deals out', () => hasBegun);
    const second = new Follower(worker(), { group, topics: [topic] });
    await until('the second waits', () => second.member.state === 'joining');
    await pass(1.5 * TIMES.sessionTimeoutMs);
    dealing.resolve();
    await allSettled(under, first, second);
    assert.ok(first.states.includes('summoned'), first.states.join());
  });

  suite('a leader that cannot deal out says why, and the others go on without it', async (under) => {
    const { worker, group, topic, until } = under;
    const slow = { sessionTimeoutMs: 20_000, rebalanceTimeoutMs: 20_000 };
    const broken = new Follower(worker(), {
      group,
      topics: [topic],
      ...slow,
      assign: () => Promise.reject(new Error('no idea')),
    });
    await until('the first fails', () => broken.member.state === 'failed');
    assert.equal(broken.member.error!.message, 'no idea');
    const second = new Follower(worker(), { group, topics: [topic], ...slow });
    await broken.member.close({ leave: true });
    await allSettled(under, second);
  });

  suite('a static member that a rebalance went on without is lost, also when the next one would have it (M3)', async (under) => {
    const { worker, group, topic, until } = under;
    const slow = { sessionTimeoutMs: 20_000, rebalanceTimeoutMs: 1_000 };
    const stuck = new Follower(worker(), { group, topics: [topic], instanceId: 'a', ...slow, onChange: () => {} });
    stuck.join();
    await until('the first is settled', () => stuck.isSettled);
    const other = new Follower(worker(), { group, topics: [topic], instanceId: 'b', ...slow });
    await until('the first is summoned', () => stuck.member.state === 'summoned');
    stuck.worker.freeze();
    await until('the other goes on without it', () => other.isSettled);
    stuck.member.join(stuck.member.assignment!.partitions, bytes(''));
    stuck.worker.thaw();
    await until('the first is lost', () => stuck.isLost);
    await stuck.member.close({ leave: true });
    await allSettled(under, other);
  });

  suite('what a member claims to own counts only if it was in the last generation (M4)', async (under) => {
    const { worker, group, topic, until } = under;
    let seen: readonly JoinedMember[] = [];
    const assign: GroupOptions['assign'] = async (members) => {
      seen = members;
      return dealEvenly(members, [topic]);
    };
    const options = { group, topics: [topic], sessionTimeoutMs: 20_000, rebalanceTimeoutMs: 1_000, assign };
    const stuck = new Follower(worker(), { ...options, instanceId: 'a', onChange: () => {} });
    stuck.join();
    await until('the first is settled', () => stuck.isSettled);
    const second = new Follower(worker(), { ...options, instanceId: 'b' });
    await until('the first is summoned', () => stuck.member.state === 'summoned');
    stuck.member.join(stuck.member.assignment!.partitions, bytes(''));
    await until('both are settled', () => stuck.isSettled && second.isSettled);
    const claimed = (): number => seen.find(({ instanceId }) => instanceId === 'a')!.owned.length;
    assert.equal(claimed(), 4);
    const third = new Follower(worker(), { ...options, instanceId: 'c' });
    await until('the first is summoned', () => stuck.member.state === 'summoned');
    stuck.worker.freeze();
    await until('the others go on without it', () => second.isSettled && third.isSettled);
    assert.deepEqual([seen.length, claimed()], [3, 0]);
  });

  suite('nothing is heard from a closed member, whatever answers come', async (under) => {
    const { worker, group, topic, until } = under;
    const dealing = Promise.withResolvers<void>();
    let hasBegun = false;
    const closed = new Follower(worker(), {
      group,
      topics: [topic],
      assign: async (members) => {
        hasBegun = true;
        await dealing.promise;
        return dealEvenly(members, [topic]);
      },
    });
    await until('it deals out', () => hasBegun);
    await closed.member.close({ leave: true });
    dealing.resolve();
    const second = new Follower(worker(), { group, topics: [topic] });
    await allSettled(under, second);
    assert.deepEqual(closed.states, []);
  });
}

function position(topic: string, value: string): CommittedPosition {
  return { ...at(topic, 0, Number(value)), metadata: '' };
}

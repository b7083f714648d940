import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type AssignableMember,
  type AssignableTask,
  type AssignedTasks,
  type AssignOptions,
  assignTasks,
} from '../../../../topology/engine/group/assign-tasks.ts';

const OPTIONS: AssignOptions = { standbyReplicas: 0, acceptableLag: 100, warmupsMax: 2 };

function tasksOf(count: number, group = 'entities', isStateful = true): AssignableTask[] {
  return Array.from({ length: count }, (_, i) => ({ id: `${group}_${i}`, group, isStateful }));
}

function member(
  id: string,
  owned: readonly string[] = [],
  offsets: Record<string, number> = {},
  process = id,
): AssignableMember {
  return { id, process, owned: new Set(owned), offsets: new Map(Object.entries(offsets)) };
}

/** Members as they come to the next rebalance, with the copies that they keep caught up to `offset`. */
function after(assigned: ReadonlyMap<string, AssignedTasks>, members: readonly AssignableMember[], offset: number) {
  return members.map(({ id, process, offsets }) => {
    const { active, standby } = assigned.get(id)!;
    const grown = [...active, ...standby].map((task) => [task, offset] as const);
    return { id, process, owned: new Set(active), offsets: new Map([...offsets, ...grown]) };
  });
}

test('members without state get equal shares', () => {
  const assigned = assignTasks(tasksOf(5), [member('a'), member('b')], OPTIONS);
  assert.deepEqual([...assigned.values()].map(({ active }) => active.length).sort(), [2, 3]);
});

test('tasks stay where they are when a member is lost, and only its own move', () => {
  const a = ['entities_0', 'entities_1'];
  const b = ['entities_2', 'entities_3'];
  const assigned = assignTasks(tasksOf(6), [member('a', a), member('b', b)], OPTIONS);
  assert.deepEqual(assigned.get('a')!.active.slice(0, 2), a);
  assert.deepEqual(assigned.get('b')!.active.slice(0, 2), b);
});

test('a new member warms up first, and the owner keeps the task meanwhile', () => {
  const owned = ['entities_0', 'entities_1'];
  const offsets = { entities_0: 1_000, entities_1: 1_000 };
  const assigned = assignTasks(tasksOf(2), [member('a', owned, offsets), member('b')], OPTIONS);
  assert.deepEqual(assigned.get('a')!.active, owned);
  assert.deepEqual(assigned.get('b'), { active: [], standby: ['entities_1'], warmup: ['entities_1'] });
});

test('a warm task is taken from its owner first, and given away once the owner has given it up', () => {
  const offsets = { entities_0: 1_000, entities_1: 1_000 };
  const owner = member('a', ['entities_0', 'entities_1'], offsets);
  const warm = member('b', [], { entities_1: 950 });
  const first = assignTasks(tasksOf(2), [owner, warm], OPTIONS);
  assert.deepEqual(first.get('a')!.active, ['entities_0']);
  assert.deepEqual(first.get('b'), { active: [], standby: ['entities_1'], warmup: [] });
  const second = assignTasks(tasksOf(2), [member('a', ['entities_0'], offsets), warm], OPTIONS);
  assert.deepEqual(second.get('b')!.active, ['entities_1']);
});

test('of a lost member the copy that is furthest takes over', () => {
  const members = [member('a', ['entities_1'], { entities_0: 10 }), member('b', [], { entities_0: 990 })];
  const assigned = assignTasks(tasksOf(2), members, OPTIONS);
  assert.deepEqual(assigned.get('b')!.active, ['entities_0']);
});

test('a copy is on another process than the owner, not on another thread of the same', () => {
  const members = [member('a-0', [], {}, 'a'), member('a-1', [], {}, 'a'), member('b-0', [], {}, 'b')];
  const assigned = assignTasks(tasksOf(2), members, { ...OPTIONS, standbyReplicas: 1 });
  for (const [id, { active }] of assigned) {
    for (const task of active) {
      const copies = [...assigned].filter(([, { standby }]) => standby.includes(task)).map(([other]) => other[0]);
      assert.deepEqual(copies.includes(id[0]!), false);
      assert.equal(copies.length, 1);
    }
  }
});

test('tasks without state move at once, and are spread apart from those with state', () => {
  const tasks = [...tasksOf(2), ...tasksOf(2, 'intake', false)];
  const owned = tasks.map(({ id }) => id);
  const first = assignTasks(tasks, [member('a', owned), member('b')], OPTIONS);
  assert.equal(first.get('a')!.active.filter((id) => id.startsWith('intake')).length, 1);
});

/** Members with what they own and have on disk, at random; nobody owns what another owns. */
const groups = fc
  .record({
    stateful: fc.integer({ min: 0, max: 12 }),
    stateless: fc.integer({ min: 0, max: 6 }),
    threads: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 6 }),
    owners: fc.array(fc.integer({ min: -1, max: 5 }), { minLength: 18, maxLength: 18 }),
    offsets: fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 72, maxLength: 72 }),
    standbyReplicas: fc.integer({ min: 0, max: 2 }),
  })
  .map(({ stateful, stateless, threads, owners, offsets, standbyReplicas }) => {
    const tasks = [...tasksOf(stateful), ...tasksOf(stateless, 'intake', false)];
    const members = threads.map((process, i) => {
      const owned = tasks.filter((_, at) => owners[at] === i).map(({ id }) => id);
      const kept = tasksOf(stateful).map(({ id }, at) => [id, offsets[process * 12 + at]!] as const);
      return member(`m${i}`, owned, Object.fromEntries(kept), `p${process}`);
    });
    return { tasks, members, options: { ...OPTIONS, standbyReplicas } };
  });

test('every task has one owner, or waits for the one that has not given it up (A1)', () => {
  fc.assert(
    fc.property(groups, ({ tasks, members, options }) => {
      const assigned = assignTasks(tasks, members, options);
      for (const { id } of tasks) {
        const owners = members.filter((each) => assigned.get(each.id)!.active.includes(id));
        const before = members.find(({ owned }) => owned.has(id));
        if (before !== undefined) assert.ok(owners.length === 0 || owners[0] === before);
        else assert.equal(owners.length, 1);
        assert.ok(owners.length <= 1);
      }
    }),
  );
});

test('a process never has two copies of one task, nor a copy of its own (A4)', () => {
  fc.assert(
    fc.property(groups, ({ tasks, members, options }) => {
      const assigned = assignTasks(tasks, members, options);
      for (const { id } of tasks) {
        const places = members.flatMap(({ id: name, process }) => {
          const { active, standby } = assigned.get(name)!;
          return [...active, ...standby].filter((task) => task === id).map(() => process);
        });
        assert.equal(new Set(places).size, places.length);
      }
    }),
  );
});

test('rebalance after rebalance, members come to differ by one task and nothing moves any more (A2, A3)', () => {
  fc.assert(
    fc.property(groups, ({ tasks, members, options }) => {
      let now = members;
      let assigned = assignTasks(tasks, now, options);
      for (let round = 0; round < 40; round++) {
        now = after(assigned, now, 1_000);
        assigned = assignTasks(tasks, now, options);
      }
      for (const group of ['entities', 'intake']) {
        const counts = [...assigned.values()].map(({ active }) => active.filter((id) => id.startsWith(group)).length);
        assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, `${group}: ${counts}`);
      }
      assert.deepEqual(assignTasks(tasks, after(assigned, now, 1_000), options), assigned);
      assert.ok([...assigned.values()].every(({ warmup }) => warmup.length === 0));
    }),
  );
});

test('the order in which members and tasks come means nothing (A5)', () => {
  fc.assert(
    fc.property(groups, ({ tasks, members, options }) => {
      const assigned = assignTasks(tasks, members, options);
      const turned = assignTasks(tasks.toReversed(), members.toReversed(), options);
      assert.deepEqual(Object.fromEntries(turned), Object.fromEntries(assigned));
    }),
  );
});

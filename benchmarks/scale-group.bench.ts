// What it costs a group's leader to deal out tasks, as tasks and members grow in number.
//
// Measured: the assignment alone (topology/engine/group/assign-tasks.ts), with one standby of each task: once with members
// who have nothing yet, and once more when one of a balanced group has left. Its members hold still meanwhile. Not
// measured: the group's protocol.

import { type AssignableMember, type AssignedTasks, assignTasks } from '../topology/engine/group/assign-tasks.ts';
import { elapsed, type Figure } from './figure.ts';

const SIZES = [
  { tasks: 100, members: 10 },
  { tasks: 1_000, members: 100 },
  { tasks: 4_000, members: 400 },
] as const;
const OPTIONS = { standbyReplicas: 1, acceptableLag: 10_000, warmupsMax: 4 };
/** Changelog offset of every copy: all are caught up. */
const OFFSET = 1_000_000;

/** `scale` 1 has up to 4,000 tasks of 400 members. */
export async function run({ scale }: { scale: number }): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const size of SIZES) {
    const tasks = Math.max(4, Math.round(size.tasks * Math.min(1, scale)));
    const members = Math.max(2, Math.round(size.members * Math.min(1, scale)));
    const all = Array.from({ length: tasks }, (_, i) => ({ id: `entities_${i}`, group: 'entities', isStateful: true }));
    const names = Array.from({ length: members }, (_, i) => `member-${i}`);
    let assigned: ReadonlyMap<string, AssignedTasks> = new Map();
    const deal = async (left: readonly string[]): Promise<void> => {
      const before = assigned;
      assigned = assignTasks(
        all,
        left.map((id) => memberOf(id, before.get(id))),
        OPTIONS,
      );
    };
    const name = `group, ${tasks} tasks, ${members} members`;
    const first = await elapsed(() => deal(names));
    const again = await elapsed(() => deal(names.slice(1)));
    figures.push({ name: `${name}: dealt out first`, value: microseconds(first.wall), unit: 'µs' });
    figures.push({ name: `${name}: dealt out when one left`, value: microseconds(again.wall), unit: 'µs' });
  }
  return figures;
}

/** One process a member. */
function memberOf(id: string, assigned: AssignedTasks | undefined): AssignableMember {
  const { active = [], standby = [] } = assigned ?? {};
  return {
    id,
    process: id,
    owned: new Set(active),
    offsets: new Map([...active, ...standby].map((task) => [task, OFFSET])),
  };
}

function microseconds(seconds: number): number {
  return Math.max(1, Math.round(seconds * 1e6));
}

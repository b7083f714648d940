// Between tasks, which the runtime assigns, and topic partitions, which a group deals out.
//
// An active task is all of its inputs; a copy of its state is its changelog's partition. So the tools of the cluster show
// who reads what.

import { type JoinedMember, type MemberAssignment, partitionKey, type TopicPartition } from '../ports.ts';
import type { TaskSpec } from '../tasks.ts';
import { type AssignOptions, assignTasks } from './assign-tasks.ts';
import { decodeMemberNote, encodeNote } from './notes.ts';

/** The tasks of one member. */
export interface TaskAssignment {
  readonly active: readonly TaskSpec[];
  readonly standby: readonly TaskSpec[];
}

/** What a group's leader answers (GroupOptions.assign). */
export function assignPartitions(
  tasks: readonly TaskSpec[],
  members: readonly JoinedMember[],
  options: AssignOptions,
): ReadonlyMap<string, MemberAssignment> {
  const byId = new Map(tasks.map((task) => [task.id, task]));
  const notes = new Map(members.map(({ memberId, note }) => [memberId, decodeMemberNote(note)]));
  const assigned = assignTasks(
    tasks.map(({ id, part, changelog }) => ({ id, group: part.name, isStateful: changelog !== null })),
    members.map(({ memberId, owned }) => {
      const { process, offsets } = notes.get(memberId)!;
      return {
        id: memberId,
        process: process === '' ? memberId : process,
        owned: new Set(activeOf(tasks, owned).map(({ id }) => id)),
        offsets: new Map(Object.entries(offsets)),
      };
    }),
    options,
  );
  const writers = [...notes.values()].map(({ writer }) => writer);
  return new Map(
    [...assigned].map(([memberId, { active, standby, warmup }]) => {
      const partitions = [
        ...inputsOf(active.map((id) => byId.get(id)!)),
        ...standby.map((id) => byId.get(id)!.changelog!),
      ];
      return [memberId, { partitions, note: encodeNote({ writers, warmup }) }];
    }),
  );
}

export function tasksOfPartitions(tasks: readonly TaskSpec[], partitions: readonly TopicPartition[]): TaskAssignment {
  const keys = new Set(partitions.map(partitionKey));
  const active = activeOf(tasks, partitions);
  const standby = tasks.filter((task) => task.changelog !== null && keys.has(partitionKey(task.changelog)));
  return { active, standby };
}

/** The partitions by which a member says that it has these tasks. */
export function inputsOf(tasks: readonly TaskSpec[]): readonly TopicPartition[] {
  return tasks.flatMap(({ inputs }) => inputs.map(({ topic, partition }) => ({ topic, partition })));
}

function activeOf(tasks: readonly TaskSpec[], partitions: readonly TopicPartition[]): readonly TaskSpec[] {
  const keys = new Set(partitions.map(partitionKey));
  return tasks.filter(({ inputs }) => inputs.every((input) => keys.has(partitionKey(input))));
}

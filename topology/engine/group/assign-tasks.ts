// Who runs which task: sticky, balanced, and never away from the only worker that has its state.
//
// Owns: the assignment as a pure function. Does not own: how members say what they have and learn what they get
// (assign-partitions.ts), giving up and taking over (task-manager.ts).
//
// Invariants:
//   A1. A task has one owner. While a member has not given up a task, nobody else is given it: it moves a rebalance later.
//   A2. Members of a sub-topology differ by one task at most, once all warm-ups have ended.
//   A3. A task moves only to a process whose state is caught up, or when nobody's is; else the new owner warms up first.
//   A4. Copies of a task's state are on processes of their own.
//   A5. The same members and tasks give the same assignment, in whatever order they come.

import { assert } from '../../../lib/assert.ts';

/** A task, as far as its assignment goes. */
export interface AssignableTask {
  readonly id: string;
  readonly group: string;
  /** Whether it has state, which a new owner has to restore. */
  readonly isStateful: boolean;
}

export interface AssignableMember {
  readonly id: string;
  /** Members of one process share its state folders and die together. */
  readonly process: string;
  /** Tasks that it has not given up. */
  readonly owned: ReadonlySet<string>;
  /** Changelog offset to which this member's process has each task's state. */
  readonly offsets: ReadonlyMap<string, number>;
}

export interface AssignOptions {
  /** Copies of each task's state besides the owner's. */
  readonly standbyReplicas: number;
  /** Changelog records that a caught-up copy may be behind. */
  readonly acceptableLag: number;
  /** Tasks that warm up at a time. */
  readonly warmupsMax: number;
}

export interface AssignedTasks {
  readonly active: string[];
  readonly standby: string[];
  /** Of `standby`, those that are to move here once caught up. */
  readonly warmup: string[];
}

interface MemberPlan extends AssignedTasks {
  readonly member: AssignableMember;
  /** Tasks that are to be here in the end. */
  planned: number;
}

/** What each member runs, by member id. */
export function assignTasks(
  tasks: readonly AssignableTask[],
  members: readonly AssignableMember[],
  options: AssignOptions,
): ReadonlyMap<string, AssignedTasks> {
  const plans: MemberPlan[] = members
    .toSorted((a, b) => compare(a.id, b.id))
    .map((member) => ({ member, active: [], standby: [], warmup: [], planned: 0 }));
  const state = new Copies(members, options.acceptableLag);
  const targets = new Map<string, MemberPlan>();
  const inOrder = tasks.toSorted((a, b) => Number(b.isStateful) - Number(a.isStateful) || compareIds(a.id, b.id));
  for (const ofGroup of Map.groupBy(inOrder, ({ group }) => group).values()) balance(ofGroup, plans, state, targets);
  for (const task of inOrder) place(task, targets.get(task.id)!, plans, state, options);
  for (const task of inOrder) if (task.isStateful) addStandbys(task.id, plans, state, options.standbyReplicas);
  const stateful = new Set(inOrder.filter((task) => task.isStateful).map(({ id }) => id));
  for (const plan of plans) withholdOwned(plan, plans, (task) => stateful.has(task));
  const given = plans.flatMap(({ active }) => active);
  assert(new Set(given).size === given.length, 'no task is given to two members (A1)');
  return new Map(plans.map(({ member, active, standby, warmup }) => [member.id, { active, standby, warmup }]));
}

/** Which process has how much of which state. */
class Copies {
  readonly #byTask = new Map<string, Map<string, number>>();
  readonly #acceptableLag: number;

  constructor(members: readonly AssignableMember[], acceptableLag: number) {
    this.#acceptableLag = acceptableLag;
    for (const { process, offsets } of members) {
      for (const [task, offset] of offsets) {
        const ofTask = this.#byTask.get(task) ?? new Map<string, number>();
        ofTask.set(process, Math.max(offset, ofTask.get(process) ?? 0));
        this.#byTask.set(task, ofTask);
      }
    }
  }

  offset(task: string, { process }: AssignableMember): number {
    return this.#byTask.get(task)?.get(process) ?? 0;
  }

  /** Measured by the best copy that is left, since what is beyond it has to be restored by anyone. */
  isCaughtUp(task: string, member: AssignableMember): boolean {
    const best = Math.max(0, ...(this.#byTask.get(task)?.values() ?? []));
    return best - this.offset(task, member) <= this.#acceptableLag || best === 0;
  }
}

/** Where each task should be in the end: with its owner as far as balance allows, else with who has most of its state. */
function balance(
  tasks: readonly AssignableTask[],
  plans: readonly MemberPlan[],
  copies: Copies,
  targets: Map<string, MemberPlan>,
) {
  const least = Math.floor(tasks.length / plans.length);
  let extra = tasks.length % plans.length;
  const load = new Map(plans.map((plan) => [plan, 0]));
  const give = (task: AssignableTask, plan: MemberPlan): void => {
    targets.set(task.id, plan);
    plan.planned++;
    load.set(plan, load.get(plan)! + 1);
    if (load.get(plan)! > least) extra--;
  };
  const hasRoom = (plan: MemberPlan): boolean => load.get(plan)! < least || (extra > 0 && load.get(plan) === least);
  const ownerOf = ({ id }: AssignableTask): MemberPlan | undefined => plans.find(({ member }) => member.owned.has(id));
  for (const task of tasks) {
    const owner = ownerOf(task);
    if (owner !== undefined && load.get(owner)! < least) give(task, owner);
  }
  // A task beyond the least number stays where least else is to be done.
  const owned = tasks.filter((task) => !targets.has(task.id) && ownerOf(task) !== undefined);
  for (const task of owned.toSorted((a, b) => ownerOf(a)!.planned - ownerOf(b)!.planned)) {
    if (hasRoom(ownerOf(task)!)) give(task, ownerOf(task)!);
  }
  for (const task of tasks) {
    if (targets.has(task.id)) continue;
    const best = plans
      .filter(hasRoom)
      .toSorted(
        (a, b) =>
          Number(load.get(a)! >= least) - Number(load.get(b)! >= least) ||
          copies.offset(task.id, b.member) - copies.offset(task.id, a.member) ||
          a.planned - b.planned,
      );
    give(task, best[0]!);
  }
}

/** Gives the task to its target, or, while that one's state lags, to a member whose state does not (A3). */
function place(
  task: AssignableTask,
  target: MemberPlan,
  plans: readonly MemberPlan[],
  copies: Copies,
  { warmupsMax }: AssignOptions,
): void {
  if (!task.isStateful || copies.isCaughtUp(task.id, target.member)) {
    target.active.push(task.id);
    return;
  }
  const ready = plans.filter(({ member }) => copies.isCaughtUp(task.id, member));
  const holder =
    ready.find(({ member }) => member.owned.has(task.id)) ??
    ready.toSorted((a, b) => a.active.length - b.active.length)[0]!;
  holder.active.push(task.id);
  const warming = plans.reduce((sum, { warmup }) => sum + warmup.length, 0);
  if (warming >= warmupsMax || holder.member.process === target.member.process) return;
  target.warmup.push(task.id);
  target.standby.push(task.id);
}

/** A4; where there is a copy already, before others. */
function addStandbys(task: string, plans: readonly MemberPlan[], copies: Copies, replicas: number): void {
  const owner = plans.find(({ active }) => active.includes(task))!;
  const taken = new Set([owner.member.process]);
  for (const { member, standby } of plans) if (standby.includes(task)) taken.add(member.process);
  for (let added = 0; added < replicas; added++) {
    const free = plans.filter(({ member }) => !taken.has(member.process));
    const best = free.toSorted(
      (a, b) => copies.offset(task, b.member) - copies.offset(task, a.member) || loadOf(a) - loadOf(b),
    )[0];
    if (best === undefined) return;
    best.standby.push(task);
    taken.add(best.member.process);
  }
}

/** A1; a member that waits for a task follows its state meanwhile. */
function withholdOwned(plan: MemberPlan, plans: readonly MemberPlan[], isStateful: (task: string) => boolean): void {
  for (const task of [...plan.active]) {
    if (plan.member.owned.has(task)) continue;
    const owner = plans.find(({ member }) => member.owned.has(task));
    if (owner === undefined) continue;
    plan.active.splice(plan.active.indexOf(task), 1);
    if (isStateful(task) && owner.member.process !== plan.member.process) plan.standby.push(task);
  }
}

function loadOf({ active, standby }: MemberPlan): number {
  return active.length + standby.length;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** `entities_2` before `entities_10`. */
function compareIds(a: string, b: string): number {
  return a.length - b.length || compare(a, b);
}

// An engine thread: a member of the group, the tasks that it was given, and the engine that runs them.
//
// Owns: one turn from the group's news to the commit; the end of all of it. Does not own: opening (open-engine.ts),
// starting again after a fault (supervise.ts).
//
// Invariants:
//   H1. The member leaves only after its tasks are committed and closed, so that whoever takes them finds them so.

import { RetryableError } from '../../lib/errors.ts';
import type { Engine } from './engine.ts';
import type { CommitPermit } from './group/commit-permit.ts';
import type { GroupMember } from './ports.ts';
import type { Questions } from './questions.ts';
import type { Task } from './task.ts';
import type { TaskManager } from './task-manager.ts';
import type { TopicWatch } from './topic-watch.ts';

export interface EngineThreadOptions {
  readonly engine: Engine;
  readonly manager: TaskManager;
  readonly member: GroupMember;
  readonly permit: CommitPermit;
  readonly topics: TopicWatch;
  /** What is asked of its tasks; left out: nobody asks. */
  readonly questions?: Questions | undefined;
  /** Whether the group is told of a stop: a static member will be back in a moment. */
  readonly leavesGroup: boolean;
}

/** While tasks are being opened, so often they are looked at. */
const OPENING_WAIT_MS = 10;

export class EngineThread {
  readonly #options: EngineThreadOptions;
  #isDrained = false;

  constructor(options: EngineThreadOptions) {
    this.#options = options;
    options.questions?.servedBy(options.engine.hooks.wake);
  }

  get tasks(): readonly Task[] {
    return this.#options.engine.tasks;
  }

  /** Whether it has its tasks, and all of them are restored. */
  get isRunning(): boolean {
    return this.#options.manager.isSettled;
  }

  /**
   * One turn: what the group wants, then the engine's. Waits up to `waitMs` for something to come. Returns whether there
   * was anything to do. Throws what ends this life of the thread.
   */
  async poll(waitMs: number): Promise<boolean> {
    const { engine, manager, topics, questions } = this.#options;
    topics.check();
    await manager.step();
    if (questions?.isAny) {
      questions.answer({ tasks: engine.tasks, opening: manager.opening, isSettled: manager.hasAssignment });
    }
    const { isOpening } = manager;
    return (await engine.poll(isOpening ? Math.min(waitMs, OPENING_WAIT_MS) : waitMs)) || isOpening;
  }

  commit(): Promise<void> {
    return this.#options.engine.commit();
  }

  /** Reads no more, waits up to `graceMs` for I/O that is under way and for the group, and commits. */
  async drain(graceMs: number): Promise<void> {
    await this.#options.engine.drain(graceMs);
    this.#isDrained = true;
  }

  async close(): Promise<void> {
    const { engine, manager, member, permit, leavesGroup } = this.#options;
    permit.close(new RetryableError('TRG_LOG_CLOSED', 'the engine was closed'));
    await manager.close();
    await engine.close();
    await member.close({ leave: this.#isDrained && leavesGroup });
  }
}

// Whether the process is alive, and whether it does its work: what /health/live and /health/ready answer.
//
// Invariants:
//   H1. Live means that every engine's loop turns: it polls, restores, or tries again after a fault. An outage of the log
//       kills nobody, since starting again would not end it.
//   H2. Ready means that every engine thread has joined its group, restored its tasks, and polls without a fault.

import type { JsonObject } from '../../schemas/json.ts';
import type { EngineStatus } from '../../topology/engine/monitor.ts';
import type { ThreadView } from './thread-report.ts';

/** Longer than any request to a log may hang, and longer than the longest pause between two attempts (30 s). */
export const ALIVE_MS = 120_000;
/** A poll waits 50 ms; a commit on a slow log some seconds. */
export const POLLED_MS = 10_000;

export interface Health {
  readonly isOk: boolean;
  readonly body: JsonObject;
}

/** starting: nothing heard yet. joining: no assignment yet. failing: opened anew after `fault`. stalled: polls no more. */
type ThreadState = 'starting' | 'joining' | 'restoring' | 'failing' | 'stalled' | 'running';

/** `since`: wall time since which the threads were to be there, ms. */
export function liveness(threads: readonly ThreadView[], since: number, now: number): Health {
  const hanging = threads.filter(({ status }) => now - (status?.aliveAt ?? since) > ALIVE_MS);
  const isOk = hanging.length === 0;
  return { isOk, body: { status: isOk ? 'live' : 'hanging', threads: hanging.map((view) => threadJson(view, now)) } };
}

/** `others`: what else is not ready, in words. */
export function readiness(threads: readonly ThreadView[], now: number, others: readonly string[] = []): Health {
  const waiting = threads.filter(({ status }) => stateOf(status, now) !== 'running');
  const isOk = waiting.length === 0 && others.length === 0;
  const body: JsonObject = {
    status: isOk ? 'ready' : 'not ready',
    ...(others.length > 0 && { reasons: others }),
    threads: waiting.map((view) => threadJson(view, now)),
  };
  return { isOk, body };
}

export function stateOf(status: EngineStatus | null, now: number): ThreadState {
  if (status === null) return 'starting';
  if (status.fault !== null) return 'failing';
  if (!status.joined) return 'joining';
  if (status.restoring.length > 0) return 'restoring';
  if (status.polledAt === null) return 'starting';
  return now - status.polledAt > POLLED_MS ? 'stalled' : 'running';
}

/** What is the matter with a thread. */
function threadJson({ thread, status }: ThreadView, now: number): JsonObject {
  const { fault = null, restoring = [], aliveAt = null, polledAt = null } = status ?? {};
  return {
    thread,
    state: stateOf(status, now),
    ...(fault !== null && { fault }),
    ...(restoring.length > 0 && { restoring: restoring.map(({ task, remaining }) => ({ task, remaining })) }),
    ...(aliveAt !== null && { silentMs: now - aliveAt }),
    ...(polledAt !== null && { notPolledMs: now - polledAt }),
  };
}

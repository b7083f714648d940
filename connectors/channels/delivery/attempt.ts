// One attempt of an action: render, note that it begins, see whether it may still go, send.
//
// Invariants:
//   A1. The note is written before what is known is asked for: nothing is waited for between the guard's answer and the call (I7).
//   A2. What the guard says comes before what rendering says: of a message that must not go it does not matter what is wrong.

import { errorName } from '../../../lib/errors.ts';
import type { Action } from '../../../schemas/action.ts';
import type { AttemptStore } from './attempt-store.ts';
import type { Guard } from './guard.ts';
import type { ChannelSender, RenderedMessage, SendResult } from './sender.ts';

export interface Attempt {
  readonly action: Action;
  /** From 1. */
  readonly attempt: number;
  readonly traceparent: string | null;
}

export interface AttemptDesk {
  readonly sender: ChannelSender;
  readonly guard: Guard;
  readonly attempts: Pick<AttemptStore, 'note'>;
}

/** What came of an attempt, and the message if there was one. */
export interface Attempted {
  readonly result: SendResult;
  readonly message: RenderedMessage | null;
}

export async function attempt(
  { sender, guard, attempts }: AttemptDesk,
  { action, attempt, traceparent }: Attempt,
  signal: AbortSignal,
): Promise<Attempted> {
  const rendering = sender.render(action);
  const message = rendering.outcome === 'rendered' ? rendering.message : null;
  if (message !== null) {
    try {
      await attempts.note(action.id, attempt);
    } catch (error) {
      // Without a note it might be tried again and again over restarts.
      return { result: { outcome: 'retry', reason: `the attempt could not be noted: ${errorName(error)}` }, message };
    }
  }
  if (!(await guard.current(signal))) return { result: { outcome: 'retry', reason: 'given up by a stop' }, message };
  const refusal = guard.refusal(action, message?.address ?? null);
  if (refusal !== null) return { result: { outcome: 'skipped', reason: refusal }, message };
  if (rendering.outcome !== 'rendered') return { result: rendering, message };
  const result = await sender.send({ action, message: rendering.message, attempt, traceparent }, signal);
  return { result, message };
}

// One attempt of an action: render, then send.

import type { Action } from '../../../schemas/action.ts';
import type { ChannelSender, SendResult } from './sender.ts';

export interface Attempt {
  readonly action: Action;
  /** From 1. */
  readonly attempt: number;
  readonly traceparent: string | null;
}

export async function attempt(
  sender: ChannelSender,
  { action, attempt, traceparent }: Attempt,
  signal: AbortSignal,
): Promise<SendResult> {
  const rendering = sender.render(action);
  if (rendering.outcome !== 'rendered') return rendering;
  return sender.send({ action, message: rendering.message, attempt, traceparent }, signal);
}

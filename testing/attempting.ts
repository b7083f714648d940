// A sender of which a test asks whole attempts, and what a connector would give a channel that has nothing of its own.

import { attempt } from '../connectors/channels/delivery/attempt.ts';
import type { Guard } from '../connectors/channels/delivery/guard.ts';
import type { ChannelSender, SendResult } from '../connectors/channels/delivery/sender.ts';
import type { Action } from '../schemas/action.ts';
import { templatesOf } from './sample-action.ts';

const NO_TEMPLATES = templatesOf({});

/** What a connector would give a channel that has nothing of its own. */
export const DEPENDENCIES = {
  templates: NO_TEMPLATES,
  application: 'shop',
  publicUrl: null,
  links: null,
  always: new Set<string>(),
  ruleDescription: () => null,
} as const;

/** A sender of which a test asks whole attempts. */
export interface AttemptingSender {
  send(action: Action, attempt: number, signal: AbortSignal, traceparent?: string | null): Promise<SendResult>;
  close(): Promise<void>;
}

/** Lets everything through. */
const OPEN_GUARD: Guard = { current: () => Promise.resolve(true), refusal: () => null, disable: () => {} };

export function attempting(sender: ChannelSender): AttemptingSender {
  const desk = { sender, guard: OPEN_GUARD, attempts: { note: () => Promise.resolve() } };
  return {
    send: async (action, number, signal, traceparent = null) =>
      (await attempt(desk, { action, attempt: number, traceparent }, signal)).result,
    close: () => sender.close(),
  };
}

// Channels as the worker opens them, with what a test need not say.

import { type ChannelDependencies, openChannel } from '../../../connectors/channels/channel.ts';
import { attempt } from '../../../connectors/channels/delivery/attempt.ts';
import type { ChannelSender, SendResult } from '../../../connectors/channels/delivery/sender.ts';
import { email } from '../../../connectors/channels/email/channel.ts';
import { parseTemplate, type Template } from '../../../connectors/channels/templates/template-file.ts';
import { Templates } from '../../../connectors/channels/templates/templates.ts';
import { webhook } from '../../../connectors/channels/webhook/channel.ts';
import type { Action } from '../../../schemas/action.ts';

type Dependencies = Pick<ChannelDependencies, 'clock'> & Partial<ChannelDependencies>;

/** Templates by `<name>/<channel>[.<locale>]`. */
export function templatesOf(sources: Readonly<Record<string, string>>): Templates {
  const byPath = new Map<string, Template>();
  for (const [path, text] of Object.entries(sources)) byPath.set(path, parseTemplate(path, text, [])!);
  return new Templates(byPath);
}

const NO_TEMPLATES = templatesOf({});

/** What a connector would give a channel that has nothing of its own. */
export const DEPENDENCIES = {
  templates: NO_TEMPLATES,
  application: 'shop',
  publicUrl: null,
  describeRule: () => null,
} as const;

/** A sender of which a test asks whole attempts. */
export interface AttemptingSender {
  send(action: Action, attempt: number, signal: AbortSignal, traceparent?: string | null): Promise<SendResult>;
  close(): Promise<void>;
}

export function attempting(sender: ChannelSender): AttemptingSender {
  return {
    send: (action, number, signal, traceparent = null) =>
      attempt(sender, { action, attempt: number, traceparent }, signal),
    close: () => sender.close(),
  };
}

export function openEmail(options: object, dependencies: Dependencies): AttemptingSender {
  return attempting(openChannel(email, options, { ...DEPENDENCIES, ...dependencies }));
}

export function openWebhook(options: object, dependencies: Dependencies): AttemptingSender {
  return attempting(openChannel(webhook, options, { ...DEPENDENCIES, ...dependencies }));
}

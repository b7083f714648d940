// Channels as the worker opens them, with what a test need not say.

import { type ChannelDependencies, openChannel } from '../../../connectors/channels/channel.ts';
import type { ChannelSender } from '../../../connectors/channels/delivery/sender.ts';
import { email } from '../../../connectors/channels/email/channel.ts';
import { parseTemplate, type Template } from '../../../connectors/channels/templates/template-file.ts';
import { Templates } from '../../../connectors/channels/templates/templates.ts';
import { webhook } from '../../../connectors/channels/webhook/channel.ts';

type Dependencies = Pick<ChannelDependencies, 'clock'> & Partial<ChannelDependencies>;

/** Templates by `<name>/<channel>[.<locale>]`. */
export function templatesOf(sources: Readonly<Record<string, string>>): Templates {
  const byPath = new Map<string, Template>();
  for (const [path, text] of Object.entries(sources)) byPath.set(path, parseTemplate(path, text, [])!);
  return new Templates(byPath);
}

const NO_TEMPLATES = templatesOf({});

export function openEmail(options: object, dependencies: Dependencies): ChannelSender {
  return openChannel(email, options, { templates: NO_TEMPLATES, ...dependencies });
}

export function openWebhook(options: object, dependencies: Dependencies): ChannelSender {
  return openChannel(webhook, options, { templates: NO_TEMPLATES, ...dependencies });
}

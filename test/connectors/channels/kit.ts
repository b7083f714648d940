// Channels as the worker opens them, with what a test need not say.

import { type ChannelDependencies, openChannel } from '../../../connectors/channels/channel.ts';
import type { ChannelSender } from '../../../connectors/channels/delivery/sender.ts';
import { email } from '../../../connectors/channels/email/channel.ts';
import { webhook } from '../../../connectors/channels/webhook/channel.ts';
import { templatesOf } from '../../../testing/sample-action.ts';

type Dependencies = Pick<ChannelDependencies, 'clock'> & Partial<ChannelDependencies>;

export { templatesOf };

const NO_TEMPLATES = templatesOf({});

export function openEmail(options: object, dependencies: Dependencies): ChannelSender {
  return openChannel(email, options, { templates: NO_TEMPLATES, ...dependencies });
}

export function openWebhook(options: object, dependencies: Dependencies): ChannelSender {
  return openChannel(webhook, options, { templates: NO_TEMPLATES, ...dependencies });
}

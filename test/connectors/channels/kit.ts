// Channels as the worker opens them, with what a test need not say.

import { type Channel, type ChannelDependencies, openChannel } from '../../../connectors/channels/channel.ts';
import { email } from '../../../connectors/channels/email/channel.ts';
import { webhook } from '../../../connectors/channels/webhook/channel.ts';
import { type AttemptingSender, attempting, DEPENDENCIES } from '../../../testing/attempting.ts';
import { templatesOf } from '../../../testing/sample-action.ts';

type Dependencies = Pick<ChannelDependencies, 'clock'> & Partial<ChannelDependencies>;

export { type AttemptingSender, attempting, DEPENDENCIES, templatesOf };

export function openSender(channel: Channel, options: object, dependencies: Dependencies): AttemptingSender {
  return attempting(openChannel(channel, options, { ...DEPENDENCIES, ...dependencies }));
}

export function openEmail(options: object, dependencies: Dependencies): AttemptingSender {
  return openSender(email, options, dependencies);
}

export function openWebhook(options: object, dependencies: Dependencies): AttemptingSender {
  return openSender(webhook, options, dependencies);
}

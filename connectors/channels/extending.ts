// What `tripline/channel` exports: what a channel of one's own is made of (docs/extending.md).

export { default as Type } from 'typebox';
export type { Clock } from '../../lib/clock.ts';
export { TimeLimitError, withinTime } from '../../lib/time-limit.ts';
export type { ChannelTraits } from '../../rules/gates/channels.ts';
export type { Action } from '../../schemas/action.ts';
export { type Channel, type ChannelDependencies, type ConnectorSpec, defineChannel } from './channel.ts';
export { RETRY_SCHEDULE_MS } from './delivery/backoff.ts';
export type { ChannelSender, Outgoing, RenderedMessage, Rendering, SendResult } from './delivery/sender.ts';
export type { Rendered } from './templates/template-file.ts';
export type { Templates } from './templates/templates.ts';

// A message for somebody's inbox: what is in it, handed over with its delivery record.
//
// Owns: the content. Does not own: the inbox (inbox.ts), who reads it (apps/http/inapp).
//
// Invariants:
//   I1. Delivered means that the message is on its way to the inbox in the same transaction as the delivery record.

import { RecordError } from '../../../lib/errors.ts';
import type { Action } from '../../../schemas/action.ts';
import type { InboxCommand, InboxContent } from '../../../schemas/inbox.ts';
import type { JsonObject } from '../../../schemas/json.ts';
import type { ChannelDependencies } from '../channel.ts';
import type { ChannelSender, Outgoing, Rendering, SendResult } from '../delivery/sender.ts';
import { shortMessage } from '../templates/short-message.ts';

/** A screen of text has some 2,000 characters. Inboxes hold a hundred of them in one document. */
const CONTENT_BYTES_MAX = 16 * 1024;

type Dependencies = Pick<ChannelDependencies, 'templates' | 'application' | 'ruleDescription'>;

export class InappSender implements ChannelSender<InboxContent> {
  readonly #dependencies: Dependencies;

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies;
  }

  render(action: Action): Rendering<InboxContent> {
    if (action.entity.type !== 'user') return { outcome: 'skipped', reason: 'no-address' };
    const content = contentOf(action, this.#dependencies);
    const bytes = Buffer.byteLength(JSON.stringify(content));
    if (bytes > CONTENT_BYTES_MAX) {
      const text = `the in-app message has ${bytes} bytes, at most ${CONTENT_BYTES_MAX}`;
      throw new RecordError('TRG_RECORD_TOO_LARGE', text);
    }
    return { outcome: 'rendered', message: { address: null, content } };
  }

  async send({ action, message: { content } }: Outgoing<InboxContent>): Promise<SendResult> {
    const { id, validUntil, decision, rule, ruleVersion, attempt, flow, step, variant } = action;
    const origin = { decision, rule, ruleVersion, attempt, flow, step, variant };
    const command: InboxCommand = { kind: 'message', id, content, validUntil, origin };
    return { outcome: 'delivered', providerId: null, handOver: command as unknown as JsonObject };
  }

  async close(): Promise<void> {}
}

/** Throws RecordError TRG_TEMPLATE_FAILED. */
function contentOf(action: Action, dependencies: Dependencies): InboxContent {
  const { title, body, url, image } = shortMessage(action, dependencies);
  return { title, body, url: webUrl(url), image: webUrl(image) };
}

/** What a page may link to: of the web, or a path of its own; never code. Null: nothing. */
function webUrl(text: string | null): string | null {
  if (text === null) return null;
  if (/^(https?:\/\/|\/(?!\/))/i.test(text)) return text;
  throw new RecordError(
    'TRG_TEMPLATE_FAILED',
    'url and image of an in-app message begin with https:// or with a slash',
  );
}

// A message with a title, some text and at most a link and a picture, as inboxes and devices show it.
//
// Owns: where each of the four comes from. Does not own: what its channel allows of them (push/content.ts, inapp/sender.ts).

import type { Action } from '../../../schemas/action.ts';
import type { ChannelDependencies } from '../channel.ts';
import { plainText } from '../email/plain-text.ts';

export interface ShortMessage {
  readonly title: string;
  /** Text, whatever the template was: what somebody typed is no markup. */
  readonly body: string;
  readonly url: string | null;
  readonly image: string | null;
}

type Dependencies = Pick<ChannelDependencies, 'templates' | 'application' | 'ruleDescription'>;

/**
 * By the template, else by `data`; the title at last what the rule says of itself, or the application. Throws RecordError
 * TRG_TEMPLATE_FAILED.
 */
export function shortMessage(action: Action, { templates, application, ruleDescription }: Dependencies): ShortMessage {
  const { fields, body, isHtml } = templates.render(action);
  const ofData = (name: string): string | null => {
    const value = action.data[name];
    return typeof value === 'string' && value.trim() !== '' ? value.trim() : null;
  };
  return {
    title: fields.title || ofData('title') || ruleDescription(action.rule) || application,
    body: (isHtml ? plainText(body) : body).trim(),
    url: fields.url || ofData('url'),
    image: fields.image || ofData('image'),
  };
}

// An action as a rule makes it, for tests of channels.

import { parseTemplate, type Template } from '../connectors/channels/templates/template-file.ts';
import { Templates } from '../connectors/channels/templates/templates.ts';
import type { Action } from '../schemas/action.ts';

export function makeAction(fields: Partial<Action> = {}): Action {
  return {
    id: 'a1',
    decision: 'd1',
    rule: 'cart-abandonment',
    ruleVersion: 'abcdef012345',
    entity: { type: 'user', id: 'u1' },
    at: Date.UTC(2026, 0, 1, 9),
    channel: 'webhook',
    fallback: [],
    template: null,
    urgency: 'marketing',
    category: null,
    variant: null,
    flow: null,
    step: 0,
    attempt: 1,
    validUntil: null,
    ratePerSecond: null,
    devices: [],
    data: {},
    context: {},
    ...fields,
  };
}

/** Templates by `<name>/<channel>[.<locale>]`. Throws for one with a mistake. */
export function templatesOf(sources: Readonly<Record<string, string>>): Templates {
  const byPath = new Map<string, Template>();
  for (const [path, text] of Object.entries(sources)) {
    const template = parseTemplate(path, text, []);
    if (template === null) throw new Error(`the template ${path} has a mistake`);
    byPath.set(path, template);
  }
  return new Templates(byPath);
}

// What Tripline itself has to say: alerts and tests of channels, rendered alike on every channel.

import type { Action } from '../../../schemas/action.ts';
import { parseTemplate, type Template } from './template-file.ts';

/** Name of the template of what Tripline says itself: `data.title` and `data.summary`. No folder of templates has one so called. */
const TEMPLATE_OF_NOTICES = 'tripline-notice';

const NOTICE = parseTemplate(
  'tripline-notice',
  `---
subject: "{{ data.title }}"
title: "{{ data.title }}"
---
{{ data.summary }}
`,
  [],
)!;

/** Undefined: there is none of that name. */
export function builtInTemplate(name: string): Template | undefined {
  return name === TEMPLATE_OF_NOTICES ? NOTICE : undefined;
}

type NoticeFields = Pick<
  Action,
  'id' | 'decision' | 'rule' | 'ruleVersion' | 'entity' | 'at' | 'channel' | 'data' | 'context'
>;

/** The action of such a message: it has no route, and stays good. `isTemplated`: its channel renders by a template. */
export function noticeAction(fields: NoticeFields, isTemplated: boolean): Action {
  return {
    ...fields,
    fallback: [],
    template: isTemplated ? TEMPLATE_OF_NOTICES : null,
    urgency: 'operational',
    category: null,
    variant: null,
    flow: null,
    step: 0,
    attempt: 1,
    validUntil: null,
    ratePerSecond: null,
    devices: [],
  };
}

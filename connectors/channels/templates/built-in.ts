// What Tripline itself has to say: alerts and tests of channels, rendered alike on every channel; and what waits for a person, in Slack,
// with the buttons that answer it (apps/http/feedback/slack.ts).

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

/** Name of the template of reviews: `data.title`, `data.summary`, and `data.review`, what the buttons carry (schemas/review-button.ts). */
const TEMPLATE_OF_REVIEWS = 'tripline-review';

function button(verdict: 'approve' | 'reject', text: string, style: string): string {
  const label = `{ "type": "plain_text", "text": "${text}" }`;
  return `{ "type": "button", "action_id": "tripline-${verdict}", "style": "${style}", "text": ${label}, "value": {{ data.review | json }} }`;
}

const REVIEW = parseTemplate(
  TEMPLATE_OF_REVIEWS,
  `---
title: "{{ data.title }}"
---
[{ "type": "section", "text": { "type": "plain_text", "text": {{ data.summary | json }} } },
 { "type": "actions", "elements": [
  ${button('approve', 'Approve', 'primary')},
  ${button('reject', 'Reject', 'danger')} ] }]
`,
  [],
)!;

const BUILT_IN: ReadonlyMap<string, Template> = new Map([
  [TEMPLATE_OF_NOTICES, NOTICE],
  [TEMPLATE_OF_REVIEWS, REVIEW],
]);

/** Undefined: there is none of that name. */
export function builtInTemplate(name: string): Template | undefined {
  return BUILT_IN.get(name);
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

/** The action of a message that asks a person, in Slack. */
export function reviewAction(fields: NoticeFields): Action {
  return { ...noticeAction(fields, true), template: TEMPLATE_OF_REVIEWS };
}

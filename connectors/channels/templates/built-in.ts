// What Tripline itself has to say: alerts and tests of channels, rendered alike on every channel.

import { parseTemplate, type Template } from './template-file.ts';

/** Name of the template of what Tripline says itself: `data.title` and `data.summary`. No folder of templates has one so called. */
export const TEMPLATE_OF_NOTICES = 'tripline-notice';

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

// What a webhook says: Standard Webhooks' `{type, timestamp, data}`, the rule's data inside.

import type { Action } from '../../../schemas/action.ts';
import type { JsonObject } from '../../../schemas/json.ts';
import { actionData, originOf } from '../templates/action-data.ts';
import type { Templates } from '../templates/templates.ts';

export interface WebhookBody {
  /** The rule. */
  readonly type: string;
  /** Event time of the decision, ISO-8601. */
  readonly timestamp: string;
  readonly data: JsonObject;
}

/**
 * The body. Where the rule names a template, the JSON object it renders stands in the place of the rule's data.
 * Throws RecordError TRG_TEMPLATE_FAILED.
 */
export function webhookBody(action: Action, templates: Templates): WebhookBody {
  const data = { ...actionData(action, templates), tripline: originOf(action) };
  return { type: action.rule, timestamp: new Date(action.at).toISOString(), data };
}

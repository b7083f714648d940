// What a webhook says: Standard Webhooks' `{type, timestamp, data}`, the rule's data inside.

import { RecordError } from '../../../lib/errors.ts';
import type { Action } from '../../../schemas/action.ts';
import { isJsonObject, type JsonObject } from '../../../schemas/json.ts';
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
  const at = new Date(action.at).toISOString();
  const tripline = {
    decision: action.decision,
    action: action.id,
    rule: action.rule,
    ruleVersion: action.ruleVersion,
    entity: { type: action.entity.type, id: action.entity.id },
    at,
    step: action.step,
  };
  return { type: action.rule, timestamp: at, data: { ...dataOf(action, templates), tripline } };
}

function dataOf(action: Action, templates: Templates): JsonObject {
  if (action.template === null) return action.data;
  const { body } = templates.render(action);
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    // JSON.parse quotes the text in its message, which is somebody's data.
    throw new RecordError('TRG_TEMPLATE_FAILED', `template ${action.template}/webhook.liquid does not give JSON`);
  }
  if (isJsonObject(value)) return value;
  throw new RecordError(
    'TRG_TEMPLATE_FAILED',
    `template ${action.template}/webhook.liquid does not give a JSON object`,
  );
}

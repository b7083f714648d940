// What an action says to a program: the rule's data, or the JSON object that its template renders in their place.

import { RecordError } from '../../../lib/errors.ts';
import type { Action } from '../../../schemas/action.ts';
import { isJsonObject, type JsonObject } from '../../../schemas/json.ts';
import type { Templates } from './templates.ts';

/** Throws RecordError TRG_TEMPLATE_FAILED. */
export function actionData(action: Action, templates: Templates): JsonObject {
  if (action.template === null) return action.data;
  const { body } = templates.render(action);
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    // JSON.parse quotes the text in its message, which is somebody's data.
    throw failed(action, 'does not give JSON');
  }
  if (isJsonObject(value)) return value;
  throw failed(action, 'does not give a JSON object');
}

/** Where the action came from, for whoever wants to ask for more. */
export function originOf(action: Action): JsonObject {
  return {
    decision: action.decision,
    action: action.id,
    rule: action.rule,
    ruleVersion: action.ruleVersion,
    entity: { type: action.entity.type, id: action.entity.id },
    at: new Date(action.at).toISOString(),
    step: action.step,
  };
}

function failed({ template, channel }: Action, what: string): RecordError {
  return new RecordError('TRG_TEMPLATE_FAILED', `template ${template}/${channel}.liquid ${what}`);
}

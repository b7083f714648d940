// What is posted: text in Slack's own markup, or blocks, where a template is written as JSON.
//
// Invariants:
//   M1. Whatever profile and data hold, in a template of text it is text: it mentions nobody and links nowhere.
//   M2. Whether a message is blocks, its template says and not what it is filled with.

import { RecordError } from '../../../lib/errors.ts';
import type { Action } from '../../../schemas/action.ts';
import { isJsonObject, type Json, type JsonObject } from '../../../schemas/json.ts';
import type { Templates } from '../templates/templates.ts';

export interface SlackContent {
  /** Beside blocks: what notifications show. */
  readonly text?: string;
  readonly blocks?: readonly Json[];
  readonly attachments?: readonly Json[];
}

/** Fields of a template written as JSON. */
const FIELDS = ['text', 'blocks', 'attachments'] as const;

/** Throws RecordError TRG_TEMPLATE_FAILED. */
export function slackContent(action: Action, templates: Templates): SlackContent {
  const { fields, body, isJson } = templates.render(action);
  const heading = fields.title || fields.subject;
  if (isJson) return { ...(heading && { text: heading }), ...structured(body, action) };
  const text = templates.render(escaped(action)).body.trim();
  if (text === '') throw failed(action, 'gives no text');
  return { text };
}

function structured(body: string, action: Action): SlackContent {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    throw failed(action, 'is written as JSON and does not give JSON: write values as {{ name | json }}');
  }
  const content = Array.isArray(value) ? { blocks: value } : value;
  if (!isJsonObject(content)) throw failed(action, 'does not give blocks');
  for (const name of Object.keys(content)) {
    if (!(FIELDS as readonly string[]).includes(name))
      throw failed(action, `gives "${name}", which is none of ${FIELDS.join(', ')}`);
  }
  return content as SlackContent;
}

/** https://docs.slack.dev/messaging/formatting-message-text: three characters mean something, as entities they do not. */
function escaped(action: Action): Action {
  return {
    ...action,
    data: escapedJson(action.data) as JsonObject,
    context: escapedJson(action.context) as JsonObject,
  };
}

function escapedJson(value: Json): Json {
  if (typeof value === 'string') return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  if (Array.isArray(value)) return value.map(escapedJson);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, escapedJson(item)]));
}

function failed({ template, channel }: Action, what: string): RecordError {
  return new RecordError('TRG_TEMPLATE_FAILED', `template ${template} of channel ${channel} ${what}`);
}

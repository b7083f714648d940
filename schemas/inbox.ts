// What is told to inboxes. Records of <application>-inbox-commands, JSON, keyed by the user's id.

import { RecordError } from '../lib/errors.ts';
import type { Action } from './action.ts';
import { isJsonObject, type JsonObject } from './json.ts';

/** What a person does with a message. */
export const INBOX_STATES = ['seen', 'read', 'clicked', 'dismissed', 'archived'] as const;
export type InboxState = (typeof INBOX_STATES)[number];

/** Of the action that a message came of: what later delivery records repeat. */
export type InboxOrigin = Pick<Action, 'decision' | 'rule' | 'ruleVersion' | 'attempt' | 'flow' | 'step' | 'variant'>;

export interface InboxContent {
  readonly title: string;
  readonly body: string;
  readonly url: string | null;
  readonly image: string | null;
}

export type InboxCommand =
  /** A message was delivered; `id` is its action's. */
  | {
      readonly kind: 'message';
      readonly id: string;
      readonly content: InboxContent;
      /** Ms; null: for as long as inboxes keep it. */
      readonly validUntil: number | null;
      readonly origin: InboxOrigin;
    }
  | { readonly kind: 'state'; readonly id: string; readonly state: InboxState };

export function encodeInboxCommand(command: InboxCommand): Uint8Array {
  return Buffer.from(JSON.stringify(command));
}

/** Throws RecordError TRG_RECORD_UNREADABLE: Tripline alone writes them. */
export function decodeInboxCommand(bytes: Uint8Array): InboxCommand {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    value = null;
  }
  if (isJsonObject(value) && typeof value['id'] === 'string') {
    if (value['kind'] === 'message' && isJsonObject(value['content']) && isJsonObject(value['origin'])) {
      return value as JsonObject & InboxCommand;
    }
    if (value['kind'] === 'state' && isInboxState(value['state'])) return value as JsonObject & InboxCommand;
  }
  throw new RecordError('TRG_RECORD_UNREADABLE', 'the record is no command to an inbox');
}

export function isInboxState(value: unknown): value is InboxState {
  return (INBOX_STATES as readonly unknown[]).includes(value);
}

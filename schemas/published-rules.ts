// A version of the rule set as the rules topic has it: all of its files, since rules, segments, models, caps and
// hold-outs mean something only together. JSON, keyed by application and version, so that compaction keeps every version.

import { utf8Text } from '../lib/bytes.ts';
import { RecordError } from '../lib/errors.ts';

export type RuleFileKind = 'rules' | 'segments' | 'models' | 'caps' | 'holdouts';

export interface PublishedFile {
  readonly kind: RuleFileKind;
  /** As the publisher would write it. */
  readonly file: string;
  readonly text: string;
}

export interface PublishedRules {
  /** Of this form. */
  readonly format: 1;
  /** Whose rules they are: applications may share the topic. */
  readonly application: string;
  /** From 1, without gaps. */
  readonly version: number;
  /** Ms since 1970. */
  readonly publishedAt: number;
  /** folder: a worker found its folder changed. command: somebody published it. rollback: an earlier version again. */
  readonly origin: 'folder' | 'command' | 'rollback';
  readonly note: string | null;
  /** Of the files: equal files, equal digest. */
  readonly digest: string;
  /** By rule id: the rule's own version, and since which version of the set it has been there without a break. */
  readonly rules: Readonly<Record<string, { readonly version: string; readonly since: number }>>;
  readonly files: readonly PublishedFile[];
}

export function encodePublishedRules(published: PublishedRules): Uint8Array {
  return Buffer.from(JSON.stringify(published));
}

/** Throws RecordError TRG_RECORD_UNREADABLE for what is no rule set, or is one of a form that is not known here. */
export function decodePublishedRules(value: Uint8Array): PublishedRules {
  let json: Partial<PublishedRules>;
  try {
    json = JSON.parse(utf8Text(value));
  } catch (cause) {
    throw new RecordError('TRG_RECORD_UNREADABLE', 'a record of the rules topic is not JSON', {}, cause);
  }
  if (json?.format !== 1 || !Number.isSafeInteger(json.version) || !Array.isArray(json.files)) {
    throw new RecordError('TRG_RECORD_UNREADABLE', 'a record of the rules topic is not a rule set of format 1');
  }
  return json as PublishedRules;
}

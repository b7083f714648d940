// What the tests of sequences share.

import { PATTERN_STATES } from '../../../../rules/patterns/index.ts';
import type { PatternState } from '../../../../rules/patterns/pattern.ts';
import { ruleSetOf } from '../../../../rules/project/rule-set.ts';
import { Section } from '../../../../schemas/section.ts';
import { entityDocumentSpec } from '../../../../state/entity/codec.ts';
import { emptyEntityDocument } from '../../../../state/entity/document.ts';
import { documentBytes, documentOf } from '../../../../state/store/stored-document.ts';

const documents = entityDocumentSpec(() => ruleSetOf([]));

const codecOf = ({ kind }: PatternState) => PATTERN_STATES.get(kind)!;

/** The bytes of a document that has only this state. */
export function bytesOf(state: PatternState): Uint8Array {
  const document = emptyEntityDocument();
  document.rules.add({
    rule: 'r',
    fired: [],
    forgotten: -1,
    instances: [{ by: '', state: Section.of(codecOf(state), state) }],
  });
  return documentBytes(documents, document);
}

/** The state as a restart would find it. */
export function reread(state: PatternState | null): PatternState | null {
  if (state === null) return null;
  return documentOf(documents, bytesOf(state)).rules.get('r')!.instances[0]!.state.open(codecOf(state))!;
}

// The gates as an explanation shows them: each in order, what it said, and what it would have taken. The words are the gates'.

import type { Candidate } from '../../rules/gates/gate.ts';
import { GATES } from '../../rules/gates/index.ts';
import type { CompiledRule } from '../../rules/project/compiled-rule.ts';
import type { ExplainedGate } from './explanation.ts';

/** `reason`: of the decision; null when it fired. */
export function explainGates(
  reason: string | null,
  rule: CompiledRule,
  candidate: Candidate,
): readonly ExplainedGate[] {
  const refusing = reason === null ? GATES.length : GATES.findIndex((gate) => gate.reason === reason);
  return GATES.map((definition, place): ExplainedGate => {
    const { name: gate } = definition;
    const own = rule.gates.find((each) => each.reason === definition.reason);
    if (own === undefined || own.isAsked?.(candidate) === false) return { gate, verdict: 'unused', detail: null };
    if (place > refusing) return { gate, verdict: 'skipped', detail: null };
    const refused = place === refusing;
    return { gate, verdict: refused ? 'refused' : 'passed', detail: own.words(candidate, refused) };
  });
}

// What is remembered of decisions that fired: when, for gates that look back, and what was sent, for expressions that ask.
//
// Invariants:
//   F1. Kept as long as a gate or expression asks, and longer for candidates that come out of order of time; beyond FIRED_MAX
//       and SENT_MAX the oldest goes, and is counted.

import { isChannelGate } from '../../rules/gates/gate.ts';
import type { Match } from '../../rules/patterns/pattern.ts';
import type { CompiledRule } from '../../rules/project/compiled-rule.ts';
import type { EntityDocument } from '../../state/entity/document.ts';
import { sentFacts } from '../../state/entity/facts.ts';
import type { RuleMemory } from '../../state/entity/rule-memories.ts';

/** Fired decisions kept per rule and entity. */
const FIRED_MAX = 10_000;
/** Sends kept per entity for sent(...). */
const SENT_MAX = 1_000;

/** False when the oldest had to go. */
export function rememberFired(memory: RuleMemory, rule: CompiledRule, match: Match, key: string): boolean {
  const historyMs = rule.gates.reduce(
    (longest, gate) => Math.max(longest, isChannelGate(gate) ? 0 : (gate.historyMs ?? 0)),
    0,
  );
  if (historyMs === 0) return true;
  memory.fired.push({ key, at: match.at });
  const keepFrom = keepFromOf(match.at, historyMs, rule);
  const surplus = memory.fired.length - FIRED_MAX;
  memory.fired = memory.fired.filter(({ at }, i) => {
    const keep = at > keepFrom && i >= surplus;
    if (!keep) memory.forgotten = Math.max(memory.forgotten, at);
    return keep;
  });
  return surplus <= 0;
}

/** `historyMs`: how far back expressions ask. */
export function rememberSent(
  { sections }: EntityDocument,
  channels: readonly string[],
  { at, rule, historyMs }: { readonly at: number; readonly rule: CompiledRule; readonly historyMs: number },
): void {
  if (historyMs === 0) return;
  const keepFrom = keepFromOf(at, historyMs, rule);
  const all = [...(sections.open(sentFacts) ?? []), ...channels.map((channel) => ({ channel, at }))];
  const sent = all.filter((one) => one.at > keepFrom).slice(-SENT_MAX);
  sections.put(sentFacts, sent.length === 0 ? null : sent);
}

/** Long enough for candidates that come out of order of time, and twice as long as asked for those even later. */
function keepFromOf(at: number, historyMs: number, rule: CompiledRule): number {
  return at - historyMs - Math.max(historyMs, rule.reorderMs);
}

// Why some people's decisions differ between two sets of rules: the events are replayed once more, for them alone.
//
// Owns: the second reading. Does not own: explanations (explain/), which people are taken (what-if.ts).

import type { RulesCheck } from '../../rules/index.ts';
import { entityKey } from '../../state/entity/document.ts';
import { MemoryStore } from '../../state/store/memory-store.ts';
import { Replay } from '../../topology/replay.ts';
import { endOf, type PassOptions } from '../backtest/backtest.ts';
import { BacktestInput } from '../backtest/input.ts';
import { assembled } from '../explain/assemble.ts';
import type { Explanation } from '../explain/explanation.ts';
import { Tracer } from '../explain/tracer.ts';
import type { RuleDifference } from './differences.ts';

/** A difference, with why each side decided so; null: the side has no such rule, or knows nothing of the person. */
export interface Sample extends RuleDifference {
  readonly explained: { readonly baseline: Explanation | null; readonly now: Explanation | null };
}

interface Explained {
  readonly explanation: () => Explanation | null;
  readonly replay: Replay;
}

/** Each evaluates one entity, and its events only. */
const CACHE_BYTES = 1024 * 1024;

/** Whether the sources can be read once more. */
export function canBeExplained({ sources }: PassOptions): boolean {
  return sources.every(({ kind, isReopenable }) => kind === 'topic' || isReopenable);
}

export async function explainSamples(
  options: PassOptions,
  { baseline, now }: { readonly baseline: RulesCheck; readonly now: RulesCheck },
  differences: readonly RuleDifference[],
): Promise<readonly Sample[]> {
  const { onProgress: _, ...pass } = options;
  const sides: (readonly [Explained | null, Explained | null])[] = [];
  for (const difference of differences) {
    sides.push([await opened(pass, baseline, difference), await opened(pass, now, difference)]);
  }
  const all = sides.flat().filter((side) => side !== null);
  for await (const { runs } of new BacktestInput(pass).batches()) {
    for (const { input, records } of runs) for (const { replay } of all) await replay.feed(records, input);
    if (pass.signal?.aborted === true) break;
  }
  for (const { replay } of all) {
    await replay.complete(endOf(pass.signal?.aborted === true ? 'stay' : pass.advanceTo, replay.newestTime));
    replay.close();
  }
  return differences.map((difference, i) => {
    const [before, after] = sides[i]!;
    const explained = { baseline: before?.explanation() ?? null, now: after?.explanation() ?? null };
    return { ...difference, explained };
  });
}

async function opened(
  pass: PassOptions,
  rules: RulesCheck,
  { rule, entity }: RuleDifference,
): Promise<Explained | null> {
  if (rules.ruleSet.rule(rule) === undefined) return null;
  const tracer = new Tracer(entityKey(entity.type, entity.id), rule);
  const replay = await Replay.open({
    ...pass,
    rules: tracer.watch(rules.ruleSet),
    inputs: pass.sources.map(({ input }) => input),
    store: new MemoryStore(),
    cacheBytes: CACHE_BYTES,
    trace: tracer,
    outputs: {},
  });
  return { replay, explanation: () => assembled({ rule, entity, at: Infinity }, rules, tracer, null, []) };
}

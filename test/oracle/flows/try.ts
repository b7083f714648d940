import { writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { compareFlows } from './compare.ts';
import { asEngineTells, tellByEngine, withoutPlain } from './engine.ts';
import { interpret } from './interpreter.ts';
import { answering, replies, stories } from './random.ts';

const [places, runs, seed, shuffle, order, answers] = process.argv.slice(2);
const prop = fc.asyncProperty(
  stories({ shuffle: shuffle as 'within', order: order as 'any', places: places === 'places' }),
  replies,
  async (story0, list) => {
    const base = asEngineTells(story0);
    const story = answers === 'answers' ? answering(base, list) : base;
    writeFileSync('/tmp/work/last.json', JSON.stringify(story));
    const expected = withoutPlain(story, interpret(story));
    const diff = compareFlows(expected, await tellByEngine(story));
    if (diff !== null) throw new Error(diff);
  },
);
const out = await fc.check(prop, { numRuns: Number(runs), seed: Number(seed), interruptAfterTimeLimit: 50_000 });
console.log('runs', out.numRuns, 'failed', out.failed);
if (out.failed && out.counterexample) {
  const [story] = out.counterexample;
  console.log(story.rules.map((r) => stringify(r)).join('---\n'));
  console.log('caps', JSON.stringify(story.caps));
  for (const i of story.inputs)
    console.log(
      i.kind === 'event'
        ? `${(i.event.time - 1767225600000) / 1000}s ${i.event.userId} ${i.event.event} ${JSON.stringify(i.event.properties)} ${JSON.stringify(i.event.traits ?? {})} ${i.event.messageId}`
        : JSON.stringify(i).slice(0, 900),
    );
  console.log(String((out.errorInstance as Error).message).slice(0, 5000));
}

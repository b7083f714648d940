
import { writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { interpret } from './interpreter.ts';
import { stories, answering, replies } from './random.ts';
import { asEngineTells, tellByEngine, withoutPlain } from './engine.ts';
import { compareFlows } from './compare.ts';
const places = process.argv[2] === 'places'; const runs = Number(process.argv[3] ?? 300); const seed = Number(process.argv[4] ?? 1);
let n = 0;
const prop = fc.asyncProperty(stories({ shuffle: (process.argv[5] ?? 'within') as 'within', order: (process.argv[6] ?? 'any') as 'any', places }), replies, async (story0, list) => {
  n++;
  const base = asEngineTells(story0);
  const story = process.argv[7] === 'answers' ? answering(base, list) : base;
  writeFileSync('/tmp/work/last.json', JSON.stringify(story)); writeFileSync('/tmp/work/phase', 'oracle');
  const expected = withoutPlain(story, interpret(story));
  writeFileSync('/tmp/work/phase', 'engine');
  const actual = await tellByEngine(story);
  const diff = compareFlows(expected, actual);
  if (diff !== null) throw new Error(diff);
});
const out = await fc.check(prop, { numRuns: runs, seed, endOnFailure: false, interruptAfterTimeLimit: 90000 });
console.log('runs', out.numRuns, 'failed', out.failed, 'tested', n);
if (out.failed) {
  const [story] = out.counterexample!;
  console.log(story.rules.filter(() => true).map((r) => stringify(r)).join('---\n'));
  console.log('caps', JSON.stringify(story.caps));
  for (const i of story.inputs) console.log(i.kind === 'event' ? `${(i.event.time - 1767225600000) / 1000}s ${i.event.userId} ${i.event.event} ${JSON.stringify(i.event.properties)} ${JSON.stringify(i.event.traits ?? {})} ${i.event.messageId}` : JSON.stringify(i).slice(0, 600));
  console.log(String((out.errorInstance as Error).message).slice(0, 6000));
}

// `make bench`: runs the benchmarks one after the other, prints what they say, and writes it to benchmarks/results-engine.md.
// `--scale 0.1` makes them smaller, `--only backtest,log` runs some, `--out FILE` writes elsewhere.

import { readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Figure } from './figure.ts';
import { machineLines } from './machine.ts';

interface Benchmark {
  run(options: { scale: number }): Promise<readonly Figure[]>;
}

const SUFFIX = '.bench.ts';
const FOLDER = new URL('./', import.meta.url);

const { values } = parseArgs({
  options: {
    scale: { type: 'string', default: '1' },
    only: { type: 'string' },
    out: { type: 'string', default: fileURLToPath(new URL('results-engine.md', FOLDER)) },
  },
});
const scale = Number(values.scale);
if (!(scale > 0)) throw new Error(`--scale must be a number above 0, not ${values.scale}`);
const all = readdirSync(FOLDER)
  .filter((file) => file.endsWith(SUFFIX))
  .map((file) => file.slice(0, -SUFFIX.length))
  .sort();
const chosen = values.only?.split(',') ?? all;
const unknown = chosen.filter((name) => !all.includes(name));
if (unknown.length > 0) throw new Error(`--only ${unknown.join(',')} is none of ${all.join(', ')}`);

const head = [...machineLines(), `Scale ${scale}`];
for (const line of head) console.log(line);
const rows: string[] = [];
for (const name of chosen) {
  const { run } = (await import(new URL(name + SUFFIX, FOLDER).href)) as Benchmark;
  for (const figure of await run({ scale })) {
    const value = figure.value.toLocaleString('en');
    console.log(`${figure.name.padEnd(56)} ${value.padStart(12)} ${figure.unit}`);
    rows.push(`| ${figure.name} | ${value} | ${figure.unit} |`);
  }
}
const table = ['| what | value | unit |', '| --- | ---: | --- |', ...rows];
writeFileSync(values.out, `# Results of the last run\n\n${head.join('  \n')}\n\n${table.join('\n')}\n`);

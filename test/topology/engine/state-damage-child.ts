// Damages a state folder at each place of a list and prints where the outcome was wrong. A process of its own, since LevelDB
// may end it.

import { deepStrictEqual } from 'node:assert';
import { afterDamage, changelog, type Damage } from './state-damage-kit.ts';

const [folder = '', list = '[]'] = process.argv.slice(2);
const log = await changelog();
const { rows: expected } = await afterDamage(folder, log, null);
const wrong: string[] = [];
let rebuilt = 0;
for (const damage of JSON.parse(list) as Damage[]) {
  process.stderr.write(`${JSON.stringify(damage)}\n`);
  try {
    const { rows, warnings } = await afterDamage(folder, log, damage);
    deepStrictEqual(rows, expected);
    rebuilt += warnings.length;
  } catch (error) {
    wrong.push(`${JSON.stringify(damage)}: ${(error as Error).message.slice(0, 200)}`);
  }
}
process.stdout.write(JSON.stringify({ wrong, rebuilt }));

// SciPy and GrowthBook's gbstats, asked for the answers that lib/statistics must give.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { pythonPrograms } from '../../clients/python.ts';

/** The name of a question of oracle.py, and its arguments. */
export type Question = readonly [name: string, args: readonly unknown[]];

/** One answer a question, in their order. Throws when there is no Python, or no package index to set it up from. */
export async function askPython<Answer>(questions: readonly Question[]): Promise<Answer[]> {
  const programs = await pythonPrograms(new URL('../../clients/statistics.txt', import.meta.url), { listsAll: true });
  const program = fileURLToPath(new URL('oracle.py', import.meta.url));
  const python = spawn(join(programs, 'python'), ['-W', 'ignore::RuntimeWarning', program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  python.stdin.end(JSON.stringify(questions));
  return JSON.parse(await text(python.stdout)) as Answer[];
}

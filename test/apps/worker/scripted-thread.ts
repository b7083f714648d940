// Stands in for thread-entry.ts: does in each life what its script says, then waits to be told to stop.

import { parentPort, workerData } from 'node:worker_threads';
import type { ThreadMessage } from '../../../apps/worker/thread-entry.ts';

export type Life = 'crash' | 'exit' | 'fail' | 'run';

export interface ScriptedThreadData {
  /** By thread, what each of its lives does; the last one goes on. */
  readonly scripts: readonly (readonly Life[])[];
  /** Lives begun, by thread. */
  readonly lives: Int32Array;
}

const { index, scripts, lives } = workerData as ScriptedThreadData & { index: number };
const life = Atomics.add(lives, index, 1);
const script = scripts[index]!;
const tell = (message: ThreadMessage): void => parentPort!.postMessage(message);

switch (script[Math.min(life, script.length - 1)]!) {
  case 'crash':
    throw new Error('a bug');
  case 'exit':
    process.exit(3);
    break;
  case 'fail':
    tell({ kind: 'failed', code: 'TRG_TOPIC_MISSING', text: 'topic events.shop does not exist' });
    break;
  case 'run':
    tell({ kind: 'running' });
    parentPort!.once('message', () => {
      tell({ kind: 'stopped' });
      parentPort!.close();
    });
}

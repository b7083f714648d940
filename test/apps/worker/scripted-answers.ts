// Stands in for answer-entry.ts: does what the operation is called.

import { parentPort } from 'node:worker_threads';
import type { FromAnswerThread, ToAnswerThread } from '../../../apps/worker/answer-entry.ts';

const tell = (message: FromAnswerThread): void => parentPort!.postMessage(message);
/** Parts of a question that were taken. */
const taken = new Map<number, number>();

parentPort!.on('message', (message: ToAnswerThread) => {
  if (message.kind === 'stop') process.exit();
  if (message.kind === 'ask') {
    const { id, operation, input } = message;
    if (operation === 'exit') process.exit(3);
    if (operation === 'throw') throw new Error('a bug');
    if (operation === 'grow') for (const kept: number[][] = []; ; ) kept.push(new Array(100_000).fill(kept.length));
    if (operation === 'parts') tell({ kind: 'part', id, text: '1' });
    if (operation === 'look-up') tell({ kind: 'look-up', id, lookUp: { part: 'entities', key: String(input) } });
    // hang, stubborn, and decisions.follow: nothing is said of them for now.
    if (operation === 'echo') tell({ kind: 'end', id, text: JSON.stringify(input) });
    if (operation === 'stubborn') stubborn.add(id);
  }
  if (message.kind === 'more') {
    const parts = (taken.get(message.id) ?? 1) + 1;
    taken.set(message.id, parts);
    tell({ kind: parts > 3 ? 'end' : 'part', id: message.id, text: String(parts) });
  }
  if (message.kind === 'abort' && !stubborn.has(message.id)) tell({ kind: 'end', id: message.id, text: 'given up' });
  if (message.kind === 'looked-up') tell({ kind: 'end', id: message.id, text: JSON.stringify(message.answer) });
  if (message.kind === 'not-looked-up') tell({ kind: 'end', id: message.id, text: JSON.stringify(message.error) });
});

const stubborn = new Set<number>();

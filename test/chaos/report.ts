// What is printed of a chaos run: a line of figures when it went well, everything that helps to find out when it did not.

import type { Finished } from './run.ts';
import type { Difference } from './verdict.ts';
import { storyOf } from './verdict.ts';

/** Stories told in full; more would hide them. */
const STORIES = 3;
const WARN = 40;
const RESTORED = 'state restored from its changelog';

/** Faults, and what the workers said of them, in order of time. */
export function timelineOf({ start, timeline, logs }: Pick<Finished, 'start' | 'timeline' | 'logs'>): string {
  const said = logs
    .filter(({ level, msg }) => level >= WARN || msg === RESTORED || msg === 'rebalanced' || msg === 'running')
    .map(({ time, worker, level: _, msg, name: __, ...fields }) => {
      return { time, text: `  worker ${worker}: ${msg} ${JSON.stringify(fields)}` };
    });
  return [...timeline, ...said]
    .sort((a, b) => a.time - b.time)
    .map(({ time, text }) => `${String(time - start).padStart(8)} ${text}`)
    .join('\n');
}

export function storiesOf(wrong: readonly Difference[], finished: Finished): string {
  const told = wrong.slice(0, STORIES).map((difference) => {
    return `--- ${difference.user}\n${storyOf(difference, finished)}`;
  });
  const missing = wrong.reduce((sum, one) => sum + one.missing.length, 0);
  const extra = wrong.reduce((sum, one) => sum + one.extra.length, 0);
  return `${wrong.length} users differ: ${missing} missing, ${extra} extra\n${told.join('\n')}`;
}

/** One restore of a task's state. */
export interface Restore {
  readonly worker: number;
  readonly time: number;
  readonly task: string;
  readonly records: number;
}

export function restoresOf({ logs }: Pick<Finished, 'logs'>): readonly Restore[] {
  return logs
    .filter(({ msg }) => msg === RESTORED)
    .map(({ worker, time, task, records }) => ({ worker, time, task: String(task), records: Number(records) }));
}

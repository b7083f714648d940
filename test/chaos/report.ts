// What is printed of a chaos run: a line of figures when it went well, everything that helps to find out when it did not.

import { evidenceOf } from './evidence.ts';
import { APPLICATION, type Finished } from './run.ts';
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

/** `partitions`: of the sources. */
export async function storiesOf(wrong: readonly Difference[], finished: Finished, partitions: number): Promise<string> {
  const missing = wrong.reduce((sum, one) => sum + one.missing.length, 0);
  const extra = wrong.reduce((sum, one) => sum + one.extra.length, 0);
  const lines = [`${wrong.length} users differ: ${missing} missing, ${extra} extra`];
  for (const difference of wrong.slice(0, STORIES)) {
    lines.push(
      `--- ${difference.user}`,
      storyOf(difference, finished),
      ...(await evidenceLines(difference, finished, partitions)),
    );
  }
  return lines.join('\n');
}

/** What the engine's own topics say, around the events of the first decision that is missing or too many. */
async function evidenceLines({ user, missing, extra }: Difference, finished: Finished, partitions: number) {
  const { start, log } = finished;
  const ids = [...new Set([...missing, ...extra].flatMap(({ events }) => events))];
  const { documents, journal } = await evidenceOf(log, APPLICATION, partitions, user, ids);
  const at = (time: number): string => String(time - start).padStart(8);
  return [
    `documents of ${user} in the changelog, with those of ${ids.join()} that they name:`,
    ...documents.map(({ offset, time, events }) => `${at(time)} ${offset}: ${events.join()}`),
    'commits of its task:',
    ...journal.map(({ offset, time, read }) => `${at(time)} ${offset}: ${read}`),
  ];
}

/** One restore of a task's state. */
export interface Restore {
  readonly worker: number;
  readonly time: number;
  readonly task: string;
  /** Changelog offset; 0: nothing of the state was there. */
  readonly from: number;
  readonly records: number;
  readonly bytes: number;
}

/** In order of time. */
export function restoresOf({ logs }: Pick<Finished, 'logs'>): readonly Restore[] {
  return logs
    .filter(({ msg }) => msg === RESTORED)
    .map(({ worker, time, task, from, records, bytes }) => {
      return { worker, time, task: `${task}`, from: Number(from), records: Number(records), bytes: Number(bytes) };
    })
    .sort((a, b) => a.time - b.time);
}

/** Restores from the changelog's beginning by a worker that had state of that task already, and so lost it needlessly. */
export function needlessRestores(finished: Pick<Finished, 'logs' | 'starts'>): readonly Restore[] {
  const had = new Set<string>();
  const starts = [...finished.starts].sort((a, b) => a.time - b.time);
  return restoresOf(finished).filter(({ worker, time, task, from }) => {
    const start = starts.findLast((each) => each.worker === worker && each.time <= time);
    const isNeedless = from === 0 && (had.has(`${worker} ${task}`) || start?.onDisk.includes(task) === true);
    had.add(`${worker} ${task}`);
    return isNeedless;
  });
}

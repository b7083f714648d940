// A file of events through the evaluator, in memory, for whoever looks at what comes of it.
//
// Owns: that. Does not own: what is looked at (explain/, preview/), backtests of files larger than memory (backtest.ts).

import type { TextEncoding } from '../../lib/text-encoding.ts';
import type { RuleSet } from '../../rules/project/rule-set.ts';
import { MemoryStore } from '../../state/store/memory-store.ts';
import { END_OF_TIME, Replay, type ReplayOptions } from '../../topology/replay.ts';
import type { Config } from '../config/index.ts';
import { fileInput } from './event-places.ts';
import { FileSource } from './file-source.ts';
import { BacktestInput } from './input.ts';

export interface EventsFile {
  /** JSON Lines, CSV or Parquet, absolute. */
  readonly events: string;
  /** What the columns of a table are, absolute. */
  readonly mapping: string | undefined;
  readonly encoding?: TextEncoding | undefined;
}

export interface ReplayEventsOptions extends Pick<ReplayOptions, 'trace' | 'outputs'> {
  readonly config: Config;
  readonly rules: RuleSet;
  readonly file: EventsFile;
  /** Where time ends; `newest`: of the last event, ms. */
  readonly end: (newest: number) => number;
}

/** How many lines of the file cannot be read. Throws FatalError TRG_FILE_UNREADABLE, and the mapping's errors. */
export async function replayEvents({ config, rules, file, end, trace, outputs }: ReplayEventsOptions): Promise<number> {
  const { outOfOrdernessMs, dedupeWindowMs, dedupeMax, maxClockSkewMs, eventTime } = config;
  const recordBytesMax = config.limits.recordBytes;
  const input = fileInput(config);
  const replay = await Replay.open({
    outOfOrdernessMs,
    dedupeWindowMs,
    dedupeMax,
    recordBytesMax,
    eventTime,
    maxClockSkewMs,
    rules,
    inputs: [input],
    store: new MemoryStore(),
    wall: END_OF_TIME,
    trace,
    outputs,
  });
  const { events: path, mapping, encoding } = file;
  const source = new FileSource({ name: path, path, mapping, encoding, recordBytesMax, input });
  const bounds = { order: 'auto', from: -Infinity, to: Infinity } as const;
  let refused = 0;
  for await (const batch of new BacktestInput({ sources: [source], outOfOrdernessMs, ...bounds }).batches()) {
    refused += batch.refused.length;
    for (const { records } of batch.runs) await replay.feed(records);
  }
  await replay.complete(end(replay.newestTime));
  replay.close();
  return refused;
}

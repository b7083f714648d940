// A file of events through the evaluator, in memory, for whoever looks at what comes of it.
//
// Owns: that. Does not own: what is looked at (explain/, preview/), backtests of files larger than memory (backtest.ts).

import type { TextEncoding } from '../../lib/text-encoding.ts';
import type { RuleSet } from '../../rules/project/rule-set.ts';
import { MemoryStore } from '../../state/store/memory-store.ts';
import { END_OF_TIME, Replay, type ReplayOptions } from '../../topology/replay.ts';
import type { Config } from '../config/index.ts';
import { otherEntities } from '../job/source-format.ts';
import { BacktestInput } from './input.ts';

export interface EventsFile {
  /** JSON Lines or CSV, absolute. */
  readonly events: string;
  /** What the columns of a CSV file are, absolute. */
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
  const replay = await Replay.open({
    outOfOrdernessMs,
    dedupeWindowMs,
    dedupeMax,
    recordBytesMax,
    eventTime,
    maxClockSkewMs,
    rules,
    source: { format: 'segment', entity: 'user', others: otherEntities(config, 'segment', 'user') },
    store: new MemoryStore(),
    wall: END_OF_TIME,
    trace,
    outputs,
  });
  const { events, mapping, encoding } = file;
  const bounds = { order: 'auto', from: -Infinity, to: Infinity } as const;
  const input = new BacktestInput({ outOfOrdernessMs, recordBytesMax, mapping, encoding, file: events, ...bounds });
  let refused = 0;
  for await (const batch of input.batches()) {
    refused += batch.refused.length;
    await replay.feed(batch.records);
  }
  await replay.complete(end(replay.newestTime));
  replay.close();
  return refused;
}

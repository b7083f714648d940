// Why a rule fired for an entity, or did not, from a file of events, replayed as a backtest does it.

import type { TextEncoding } from '../../lib/text-encoding.ts';
import { entityKey } from '../../state/entity/document.ts';
import { MemoryStore } from '../../state/store/memory-store.ts';
import { END_OF_TIME, Replay } from '../../topology/replay.ts';
import { BacktestInput } from '../backtest/input.ts';
import type { Config } from '../config/index.ts';
import { otherEntities } from '../job/source-format.ts';
import type { Project } from '../project/load-project.ts';
import { assembled } from './assemble.ts';
import { type Explained, type ExplainQuestion, questionOf } from './explain.ts';
import { Tracer } from './tracer.ts';

export interface ExplainFileOptions extends ExplainQuestion {
  readonly config: Config;
  /** Whose rules are explained. */
  readonly project: Project;
  /** JSON Lines or CSV, absolute. */
  readonly events: string;
  /** What the columns of a CSV file are, absolute. */
  readonly mapping: string | undefined;
  readonly encoding?: TextEncoding | undefined;
}

/**
 * `at` is also where time ends, if that is past the last event. Throws FatalError TRG_NAME_UNKNOWN, TRG_FILE_UNREADABLE, and the
 * mapping's errors.
 */
export async function explainFile(options: ExplainFileOptions): Promise<Explained> {
  const { config, project, events, mapping, encoding } = options;
  const { rules } = project;
  const question = questionOf(options, rules, config);
  const { rule, entity, at } = question;
  const { outOfOrdernessMs, dedupeWindowMs, dedupeMax, maxClockSkewMs } = config;
  const recordBytesMax = config.limits.recordBytes;
  const tracer = new Tracer(entityKey(entity.type, entity.id), rule);
  const replay = await Replay.open({
    outOfOrdernessMs,
    dedupeWindowMs,
    dedupeMax,
    recordBytesMax,
    eventTime: config.eventTime,
    maxClockSkewMs,
    rules: tracer.watch(rules.ruleSet),
    source: { format: 'segment', entity: 'user', others: otherEntities(config, 'segment', 'user') },
    store: new MemoryStore(),
    wall: END_OF_TIME,
    trace: tracer,
    outputs: {},
  });
  const input = new BacktestInput({
    outOfOrdernessMs,
    recordBytesMax,
    mapping,
    encoding,
    file: events,
    order: 'auto',
    from: -Infinity,
    to: Infinity,
  });
  let refused = 0;
  for await (const batch of input.batches()) {
    refused += batch.refused.length;
    await replay.feed(batch.records);
  }
  await replay.complete(at === Infinity ? replay.newestTime : Math.max(at, replay.newestTime));
  replay.close();
  const notes = refused === 0 ? [] : [`lines of the file that cannot be read: ${refused}`];
  return { entity, explanation: assembled(question, rules, tracer, null, notes) };
}

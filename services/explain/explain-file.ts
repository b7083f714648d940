// Why a rule fired for an entity, or did not, from a file of events, replayed as a backtest does it.

import { entityKey } from '../../state/entity/document.ts';
import { type EventsFile, replayEvents } from '../backtest/replay-events.ts';
import type { Config } from '../config/index.ts';
import type { Project } from '../project/load-project.ts';
import { assembled } from './assemble.ts';
import { type Explained, type ExplainQuestion, questionOf } from './explain.ts';
import { Tracer } from './tracer.ts';

export interface ExplainFileOptions extends ExplainQuestion, EventsFile {
  readonly config: Config;
  /** Whose rules are explained. */
  readonly project: Project;
}

/**
 * `at` is also where time ends, if that is past the last event. Throws FatalError TRG_NAME_UNKNOWN, TRG_FILE_UNREADABLE, and the
 * mapping's errors.
 */
export async function explainFile(options: ExplainFileOptions): Promise<Explained> {
  const { config, project } = options;
  const { rules } = project;
  const question = questionOf(options, rules, config);
  const { rule, entity, at } = question;
  const tracer = new Tracer(entityKey(entity.type, entity.id), rule);
  const refused = await replayEvents({
    config,
    rules: tracer.watch(rules.ruleSet),
    file: options,
    end: (newest) => (at === Infinity ? newest : Math.max(at, newest)),
    trace: tracer,
    outputs: {},
  });
  const notes = refused === 0 ? [] : [`lines of the file that cannot be read: ${refused}`];
  return { entity, explanation: assembled(question, rules, tracer, null, notes) };
}

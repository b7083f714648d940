// Every entity's document, one after the other, as of the log's last commit.

import type { JsonObject } from '../../schemas/json.ts';
import { entityDocumentSpec } from '../../state/entity/codec.ts';
import { type Asked, pauseOf, service } from '../operation.ts';
import type { ServiceContext } from '../service-context.ts';
import { entityJson } from './entity-json.ts';
import { documentsOf, foldState } from './folded-state.ts';
import { entityTasks, NothingSchema } from './tasks.ts';

const PAUSE_DOCUMENTS = 100;

export interface StateExported {
  readonly documents: number;
}

/**
 * In order of task and key; entity-json.ts says what is in each. One task is folded at a time, so that one temporary folder is
 * there at a time. Throws as stateTasks().
 */
export async function* exportState(
  context: ServiceContext,
  _input: Readonly<Record<never, never>>,
  asked: Asked,
): AsyncGenerator<JsonObject, StateExported, void> {
  const log = await context.log();
  const pause = pauseOf(context, asked);
  const { ruleSet } = (await context.rules()).inForce().rules;
  const spec = entityDocumentSpec(() => ruleSet);
  let documents = 0;
  for (const { id, changelog } of await entityTasks(context, log)) {
    const { store, close } = await foldState(log, changelog!, pause);
    try {
      for await (const stored of documentsOf(store, spec)) {
        if (++documents % PAUSE_DOCUMENTS === 0) await pause();
        yield entityJson(id, stored, ruleSet);
      }
    } finally {
      await close();
    }
  }
  return { documents };
}

export const exportService = service(NothingSchema, exportState);

// Cancelling flows: those of a rule that live, of one entity or of all.
//
// Owns: the commands that say so, which are kept with who gave them and when: the record of it beside those of the flows. Does not
// own: ending a flow (processors/decide/flows/cancel.ts).
//
// Invariants:
//   C1. A command goes to the task that has the entity: of one, as its document says; of all, by the partitioner that clients of Kafka
//       share, by which senders put events nearly always.
//   C2. Of all: a command for each flow that lived when it was asked, which names it: one that begins meanwhile goes on.

import Type from 'typebox';
import { utf8Bytes } from '../../lib/bytes.ts';
import { FatalError } from '../../lib/errors.ts';
import { partitionOf } from '../../lib/murmur2.ts';
import { BY_LENGTH_MAX, encodeCommand } from '../../schemas/commands.ts';
import type { EntityRef } from '../../schemas/decision.ts';
import { ENTITY_HEADER, type NewRecord, NO_HEADERS } from '../../schemas/record.ts';
import { commandsTopic } from '../../topology/topics.ts';
import { knownRules, requireName } from '../names.ts';
import { type Asked, pauseOf, service } from '../operation.ts';
import type { ServiceContext } from '../service-context.ts';
import { EntitySchema } from '../state/entity.ts';
import { type LivingFlow, livingFlows } from './flows.ts';
import { flowsOfRecords } from './from-records.ts';
import { Programs } from './programs.ts';

/** Of one entity, or of `all`. `by`: who cancels. */
export const CancelFlowsSchema = Type.Object(
  {
    rule: Type.String({ minLength: 1 }),
    entity: Type.Optional(EntitySchema),
    all: Type.Optional(Type.Literal(true)),
    by: Type.String({ minLength: 1 }),
  },
  { additionalProperties: false },
);
export type CancelFlows = Type.Static<typeof CancelFlowsSchema>;

export interface FlowsCancelled {
  /** How many lived, and are told to end. */
  readonly cancelled: number;
}

/** In one transaction. */
const BATCH = 1_000;

/**
 * They end when their tasks read the commands, some milliseconds later. Throws FatalError TRG_USAGE for neither an entity nor all, or both, or too long a name;
 * TRG_NAME_UNKNOWN for a rule or type of entity that nobody has; TRG_LOG_LOCKED while a worker has the embedded log and is not the one
 * that is asked, TRG_FILE_UNREADABLE without a log; of an entity what entityState() throws.
 */
export async function cancelFlows(
  context: ServiceContext,
  { rule, entity, all, by }: CancelFlows,
  asked: Asked,
): Promise<FlowsCancelled> {
  if ((entity === undefined) === (all === undefined)) {
    throw new FatalError('TRG_USAGE', 'flows are cancelled of one entity, or of all: say which');
  }
  if (by.length > BY_LENGTH_MAX) {
    throw new FatalError('TRG_USAGE', `who cancels is named in at most ${BY_LENGTH_MAX} characters`);
  }
  requireName('rule', rule, await knownRules(context));
  const log = await context.writableLog();
  const { application } = context.config;
  const topic = commandsTopic(application);
  const partitions = (await log.admin.topics()).get(topic);
  if (partitions === undefined) return { cancelled: 0 };
  const id = `${application}-flows`;
  const writer = await log.openWriter(id);
  let cancelled = 0;
  try {
    let batch: NewRecord[] = [];
    const commit = async (): Promise<void> => {
      if (batch.length === 0) return;
      writer.send(batch);
      await writer.commit(id, []);
      batch = [];
    };
    for await (const { flow, partition } of meantFlows(context, { rule, entity, partitions }, asked)) {
      const timestamp = context.clock.now();
      batch.push({
        topic,
        partition,
        timestamp,
        key: utf8Bytes(flow.entity.id),
        value: encodeCommand({ kind: 'flow-cancel', rule, flow: flow.flow, by, at: timestamp }),
        headers: headersOf(flow.entity),
      });
      cancelled++;
      if (batch.length >= BATCH) await commit();
    }
    await commit();
  } finally {
    await writer.close();
  }
  return { cancelled };
}

interface Meant {
  readonly rule: string;
  readonly entity: CancelFlows['entity'] | undefined;
  /** Of the topic of commands. */
  readonly partitions: number;
}

/** Those that live. */
async function* meantFlows(
  context: ServiceContext,
  { rule, entity, partitions }: Meant,
  asked: Asked,
): AsyncGenerator<LivingFlow> {
  if (entity !== undefined) {
    yield* await livingFlows(context, { entity, rule }, asked);
    return;
  }
  const found = flowsOfRecords(context, {
    isMeant: (record) => record.rule === rule,
    pause: pauseOf(context, asked),
    programs: new Programs(await context.rules()),
  });
  for await (const flow of found) {
    if (flow.ended === null) yield { flow, partition: partitionOf(utf8Bytes(flow.entity.id), partitions) };
  }
}

function headersOf({ type }: EntityRef): NewRecord['headers'] {
  return type === 'user' ? NO_HEADERS : [[ENTITY_HEADER, utf8Bytes(type)]];
}

export const cancelService = service(CancelFlowsSchema, cancelFlows);

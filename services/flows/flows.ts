// Flows as people and programs ask for them: which live, of an entity or of a rule, where they wait, how they ended.
//
// Owns: what is asked and answered. Does not own: cancelling (cancel.ts).
//
// Invariants:
//   W1. Which flows of an entity live is said by its document, as of now where a worker runs; those of a rule, and those that have
//       ended, by tripline.flows, as of its last commit.

import Type from 'typebox';
import { knownRules, requireName } from '../names.ts';
import { type Asked, pauseOf, service } from '../operation.ts';
import type { ServiceContext } from '../service-context.ts';
import { EntitySchema, entityState } from '../state/entity.ts';
import type { FlowJson } from '../state/flow-json.ts';
import { flowsOfRecords } from './from-records.ts';
import { Programs } from './programs.ts';

const NAME = Type.String({ minLength: 1 });
const strict = { additionalProperties: false };

/** Of an entity, of a rule, or of an entity by a rule. `waiting`: only those that live. */
export const FlowsSchema = Type.Object(
  { entity: Type.Optional(EntitySchema), rule: Type.Optional(NAME), waiting: Type.Optional(Type.Boolean()) },
  strict,
);
export type FlowsQuestion = Type.Static<typeof FlowsSchema>;

export interface FlowsFound {
  /** How many were given. */
  readonly flows: number;
}

/**
 * In the order in which they began; those of an entity that live come last. Throws FatalError TRG_NAME_UNKNOWN for a rule or a type of
 * entity that nobody has, TRG_FILE_UNREADABLE without a log; of an entity what entityState() throws.
 */
export async function* listFlows(
  context: ServiceContext,
  { entity, rule, waiting = false }: FlowsQuestion,
  asked: Asked,
): AsyncGenerator<FlowJson, FlowsFound, void> {
  if (rule !== undefined) requireName('rule', rule, await knownRules(context));
  const living = entity === undefined ? null : await livingFlows(context, { entity, rule }, asked);
  let flows = 0;
  if (living === null || !waiting) {
    const found = flowsOfRecords(context, {
      isMeant: (record) =>
        (rule === undefined || record.rule === rule) &&
        (entity === undefined || (record.entity.type === entity.type && record.entity.id === entity.id)),
      pause: pauseOf(context, asked),
      programs: new Programs(await context.rules()),
    });
    for await (const flow of found) {
      // What lives of an entity is in its document, and may be further than the log (W1).
      const isMeant = flow.ended === null ? living === null : !waiting;
      if (!isMeant) continue;
      flows++;
      yield flow;
    }
  }
  for (const { flow } of living ?? []) {
    flows++;
    yield flow;
  }
  return { flows };
}

export interface EntityFlows {
  readonly entity: { readonly type: string; readonly id: string };
  /** Undefined: of every rule. */
  readonly rule: string | undefined;
}

export interface LivingFlow {
  readonly flow: FlowJson;
  /** Of the task that has it. */
  readonly partition: number;
}

/** With the words of steps also of versions that are no longer in force. Throws what entityState() throws. */
export async function livingFlows(
  context: ServiceContext,
  { entity, rule }: EntityFlows,
  asked: Asked,
): Promise<readonly LivingFlow[]> {
  const { documents } = await entityState(context, entity, asked);
  const programs = new Programs(await context.rules());
  return documents.flatMap(({ task, flows = [] }) =>
    (flows as unknown as FlowJson[])
      .filter((flow) => rule === undefined || flow.rule === rule)
      .map((flow) => ({ flow: withWords(flow, programs), partition: partitionOfTask(String(task)) })),
  );
}

function withWords(flow: FlowJson, programs: Programs): FlowJson {
  const { step } = flow;
  if (step === null || step.words !== null) return flow;
  const known = programs.of(flow.rule, flow.ruleVersion)?.steps[step.number];
  return {
    ...flow,
    step: { ...step, words: known?.words ?? null, waitsFor: step.waitsFor ?? known?.waitsFor ?? null },
  };
}

/** Tasks are named `part_partition`. */
function partitionOfTask(task: string): number {
  return Number(task.slice(task.lastIndexOf('_') + 1));
}

export const listService = service(FlowsSchema, listFlows);

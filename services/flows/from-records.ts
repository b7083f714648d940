// The flows of tripline.flows: each put together from its records, in the order in which they began.
//
// Invariants:
//   F1. Memory does not grow with their number: records are sorted on disk by flow, then flows by their beginning (I8).
//   F2. A flow lives that has a record and none of its end; one that has a goal alone never lived: somebody was held out.

import { ExternalSort } from '../../lib/external-sort.ts';
import { type FlowRecord, flowRecordJson } from '../../schemas/flow-record.ts';
import { flowRecordCodec } from '../../schemas/framed.ts';
import { publicTopics } from '../../topology/topics.ts';
import type { Pause } from '../operation.ts';
import type { ServiceContext } from '../service-context.ts';
import { type FlowJson, wordsOf } from '../state/flow-json.ts';
import { readTopic } from '../topics/read-topic.ts';
import type { Programs } from './programs.ts';

type RecordJson = ReturnType<typeof flowRecordJson>;

const PAUSE_RECORDS = 1_000;

export interface FlowsAsked {
  readonly isMeant: (record: FlowRecord) => boolean;
  readonly pause: Pause;
  readonly programs: Programs;
}

/** Throws FatalError TRG_FILE_UNREADABLE without a log. */
export async function* flowsOfRecords(
  context: ServiceContext,
  { isMeant, pause, programs }: FlowsAsked,
): AsyncGenerator<FlowJson, void, void> {
  const byFlow = new ExternalSort();
  const byBeginning = new ExternalSort();
  try {
    for await (const record of flowRecords(context, pause)) {
      if (isMeant(record)) byFlow.add(record.flow, JSON.stringify(flowRecordJson(record)));
    }
    let places = 0;
    for (const records of grouped(byFlow.sorted())) {
      if (++places % PAUSE_RECORDS === 0) await pause();
      const flow = flowOf(records, programs);
      if (flow !== null) byBeginning.add(`${records[0]!.at} ${flow.entity.id} ${flow.flow}`, JSON.stringify(flow));
    }
    places = 0;
    for (const line of byBeginning.sorted()) {
      if (++places % PAUSE_RECORDS === 0) await pause();
      yield JSON.parse(line) as FlowJson;
    }
  } finally {
    byFlow.close();
    byBeginning.close();
  }
}

export async function* flowRecords(context: ServiceContext, pause: Pause): AsyncGenerator<FlowRecord> {
  const topic = publicTopics(context.config.topics.prefix).flows;
  let records = 0;
  for await (const { value } of readTopic(await context.log(), topic)) {
    if (++records % PAUSE_RECORDS === 0) await pause();
    if (value !== null) yield flowRecordCodec.decode(value);
  }
}

/** Records that are also of decisions, and of rules that only send: they make no flow. */
const TOLD_WITHOUT: ReadonlySet<string> = new Set(['goal', 'skipped', 'assigned']);

/** Records of one flow after the other, each in the order in which they were written. */
function* grouped(lines: Iterable<string>): Generator<RecordJson[]> {
  let group: RecordJson[] = [];
  for (const line of lines) {
    const record = JSON.parse(line) as RecordJson;
    if (group.length > 0 && group[0]!.flow !== record.flow) {
      yield group;
      group = [];
    }
    group.push(record);
  }
  if (group.length > 0) yield group;
}

/** Null: there was none (F2), or what sends alone skip. */
function flowOf(records: readonly RecordJson[], programs: Programs): FlowJson | null {
  const last = records.findLast(({ kind }) => kind !== 'goal');
  if (last === undefined || records.every(({ kind }) => TOLD_WITHOUT.has(kind))) return null;
  const { flow, rule, entity, ruleVersion, variant } = last;
  const waiting = records.findLast(({ kind }) => kind === 'waiting');
  const end = records.find(({ kind }) => kind === 'ended');
  const step = waiting === undefined ? undefined : programs.of(rule, waiting.ruleVersion)?.steps[waiting.step!];
  return {
    flow,
    rule,
    ruleVersion,
    entity,
    startedAt: records.find(({ kind }) => kind === 'entered')?.at ?? null,
    step:
      waiting === undefined
        ? null
        : {
            number: waiting.step!,
            name: waiting.name,
            ...wordsOf(step, waiting.reason ?? ''),
            since: waiting.at,
            until: waiting.until!,
          },
    variant,
    ended: end === undefined ? null : { at: end.at, reason: end.reason!, by: end.by ?? null },
  };
}

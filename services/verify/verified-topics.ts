// The topics whose records are verified: how one is told from others, dated, and compared field by field.

import { actionJson } from '../../schemas/action.ts';
import { decisionJson } from '../../schemas/decision.ts';
import { flowRecordJson } from '../../schemas/flow-record.ts';
import { actionCodec, decisionCodec, flowRecordCodec, lateCodec } from '../../schemas/framed.ts';
import { actionsTopic, publicTopics } from '../../topology/topics.ts';
import type { Finding } from './verification.ts';

export interface Looked {
  /** Tells it from the other records of its key. */
  readonly id: string;
  /** Event time, ms. */
  readonly at: number;
  readonly of: NonNullable<Finding['of']>;
  /** The rules that it is of. */
  readonly rules: readonly string[];
  readonly json: object;
}

export interface VerifiedTopic {
  /** Throws RecordError TRG_RECORD_UNREADABLE. */
  look(value: Uint8Array): Looked;
}

/** Of whom alerts are: actions that connectors write, which follow from no journal. */
export const ALERTED_ENTITY = 'tripline';

const DECISIONS: VerifiedTopic = {
  look(value) {
    const decision = decisionCodec.decode(value);
    const { id, rule, entity, at } = decision;
    return looked(id, rule, `${entity.type}/${entity.id}`, at, decisionJson(decision));
  },
};

const ACTIONS: VerifiedTopic = {
  look(value) {
    const action = actionCodec.decode(value);
    const { id, rule, entity, at } = action;
    return looked(id, rule, `${entity.type}/${entity.id}`, at, actionJson(action));
  },
};

/** Of one kind and step a flow may tell more than once: those are compared in the order in which they came. */
const FLOWS: VerifiedTopic = {
  look(value) {
    const record = flowRecordCodec.decode(value);
    const { flow, rule, entity, at, kind, step } = record;
    const whole = looked(flow, rule, `${entity.type}/${entity.id}`, at, flowRecordJson(record));
    return { ...whole, id: `${flow} ${kind} ${step}` };
  },
};

const LATE: VerifiedTopic = {
  look(value) {
    const { envelope, ...late } = lateCodec.decode(value);
    const json = { ...late, envelope: Buffer.from(envelope).toString('base64') };
    return { ...looked(late.messageId, null, late.entity, late.timestamp, json), rules: late.rules };
  },
};

/** By name. */
export function verifiedTopics(prefix: string, channels: readonly string[]): ReadonlyMap<string, VerifiedTopic> {
  const topics = publicTopics(prefix);
  return new Map([
    [topics.decisions, DECISIONS],
    [topics.flows, FLOWS],
    [topics.late, LATE],
    ...channels.map((channel) => [actionsTopic(prefix, channel), ACTIONS] as const),
  ]);
}

function looked(id: string, rule: string | null, entity: string, at: number, json: object): Looked {
  const rules = rule === null ? [] : [rule];
  return { id, at, of: { id, rule, entity, at: new Date(at).toISOString() }, rules, json };
}

export interface Difference {
  readonly field: string;
  readonly recorded: unknown;
  readonly replayed: unknown;
}

/** The first field in which two values differ, in the order of the recorded one's; null: none. */
export function firstDifference(recorded: unknown, replayed: unknown, field = ''): Difference | null {
  if (Object.is(recorded, replayed)) return null;
  if (!isObject(recorded) || !isObject(replayed))
    return { field, recorded: recorded ?? null, replayed: replayed ?? null };
  for (const name of new Set([...Object.keys(recorded), ...Object.keys(replayed)])) {
    const inner = firstDifference(recorded[name], replayed[name], field === '' ? name : `${field}.${name}`);
    if (inner !== null) return inner;
  }
  return null;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

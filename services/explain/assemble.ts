// What an explanation is of, and putting it together from what a tracer saw and what was recorded.

import type { RulesCheck } from '../../rules/index.ts';
import { isoOf } from '../../rules/patterns/definition.ts';
import type { Decision } from '../../schemas/decision.ts';
import type { Delivery } from '../../schemas/delivery.ts';
import type { FlowRecord } from '../../schemas/flow-record.ts';
import type { ExplainedDelivery, ExplainedStep, Explanation } from './explanation.ts';
import { explainedFlowStep, livingAfter, type ProgramOf } from './flows.ts';
import type { TracedStep, Tracer } from './tracer.ts';

export interface Question {
  readonly rule: string;
  readonly entity: { readonly type: string; readonly id: string };
  /** Event time up to which it is explained, ms; Infinity: all that was read. */
  readonly at: number;
}

/** What the log has of the question's entity and rule. */
export interface Recorded {
  readonly decisions: readonly Decision[];
  readonly deliveries: readonly Delivery[];
  readonly flows: readonly FlowRecord[];
}

/** Null: nothing is known of the entity. `recorded`: null where there are no records to look at. */
export function assembled(
  { rule, entity, at }: Question,
  rules: RulesCheck,
  tracer: Tracer,
  recorded: Recorded | null,
  notes: readonly string[],
): Explanation | null {
  tracer.finish();
  const ids = new Set(recorded?.decisions.map(({ id }) => id));
  const replayed = new Set(tracer.steps.flatMap((step) => (step.kind === 'decision' ? [step.decision.id] : [])));
  const only = (recorded?.decisions ?? []).filter(({ id }) => !replayed.has(id));
  if (tracer.steps.length === 0 && only.length === 0) return null;
  const fromRecords = only.map((decision): TracedStep => ({ kind: 'decision', at: decision.at, decision, gates: [] }));
  const flowed = new Set(tracer.steps.flatMap((step) => (step.kind === 'flow' ? [step.record.flow] : [])));
  const flowsOnly = (recorded?.flows ?? [])
    .filter(({ flow }) => !flowed.has(flow))
    .map((record): TracedStep => ({ kind: 'flow', at: record.at, record }));
  const steps = [...tracer.steps, ...fromRecords, ...flowsOnly].filter((step) => step.at <= at);
  steps.sort((a, b) => a.at - b.at || RANK[a.kind] - RANK[b.kind]);
  const programOf: ProgramOf = (ruleVersion) => tracer.programOf(ruleVersion);
  const flowRecords = steps.flatMap((step) => (step.kind === 'flow' ? [step.record] : []));
  const { version } = rules.ruleSet.rule(rule)!;
  const all = [...notes];
  if (only.length > 0)
    all.push(`decisions known from their record only, as the rule or its input has changed: ${only.length}`);
  if (steps.some((step) => step.kind === 'decision' && step.decision.ruleVersion !== version)) {
    all.push(`other versions of the rule decided here too; what is still needed is by ${version}`);
  }
  const deliveries = Map.groupBy(recorded?.deliveries ?? [], ({ decision }) => decision);
  const needed = tracer.progressAt(at).map(({ by, words }) => (by === null ? words : `${by}: ${words}`));
  return {
    rule,
    ruleVersion: version,
    entity,
    asOf: at === Infinity ? null : isoOf(at),
    steps: steps.map((step) => shown(step, recorded === null ? null : ids, deliveries, programOf)),
    needed,
    flows: livingAfter(flowRecords, programOf),
    notes: all,
  };
}

/** Of what has the same time: the event, then the deadline, then what was decided, then what its flow did. */
const RANK = { event: 0, deadline: 1, decision: 2, flow: 3 } as const;

function shown(
  step: TracedStep,
  recorded: ReadonlySet<string> | null,
  deliveries: ReadonlyMap<string, readonly Delivery[]>,
  programOf: ProgramOf,
): ExplainedStep {
  if (step.kind === 'flow') return explainedFlowStep(step.record, programOf);
  const at = isoOf(step.at);
  if (step.kind !== 'decision') return { ...step, at };
  const { id, ruleVersion, outcome, reason, events, values, gathered, digest } = step.decision;
  const isRecorded = recorded?.has(id) ?? null;
  return {
    kind: 'decision',
    at,
    id,
    ruleVersion,
    outcome,
    reason,
    events,
    values,
    gathered: gathered.map(({ step: place, digest: of, until }) => ({ step: place, digest: of, until: isoOf(until) })),
    digest,
    gates: step.gates,
    recorded: isRecorded,
    deliveries: (deliveries.get(id) ?? []).toSorted((a, b) => a.at - b.at).map(deliveryOf),
  };
}

function deliveryOf({ at, channel, outcome, reason, attempts, action }: Delivery): ExplainedDelivery {
  return { at: isoOf(at), channel, outcome, reason, attempts, action };
}

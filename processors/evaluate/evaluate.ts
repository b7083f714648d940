// Evaluate: the events of one entity against the rules that care, with the entity's document as memory.
//
// Owns: the processor: which document is visited, and what comes out of a visit. Does not own: the visit (evaluation.ts), when
// time passes (topology/engine).

import { assert } from '../../lib/assert.ts';
import type { CompiledRule } from '../../rules/project/compiled-rule.ts';
import type { RuleSet } from '../../rules/project/rule-set.ts';
import type { Action } from '../../schemas/action.ts';
import { avroCodec } from '../../schemas/codec.ts';
import type { ConfirmationLinks } from '../../schemas/consent-request.ts';
import type { Decision } from '../../schemas/decision.ts';
import type { Event, EventRecord } from '../../schemas/event.ts';
import { traceHeaders } from '../../schemas/trace.ts';
import { type EntityDocument, emptyEntityDocument } from '../../state/entity/document.ts';
import type { MeasuredTrace, Message, Processor, ProcessorContext } from '../../state/processor.ts';
import type { DocumentStore } from '../../state/store/api.ts';
import type { EvaluationTrace, FailedExpression } from '../decide/trace.ts';
import type { DecideOutput, DecisionTrace, Visit } from '../decide/visit.ts';
import { concernOf } from './concern.ts';
import { Evaluation, type EvaluationHost } from './evaluation.ts';
import { deadAddressOf } from './facts.ts';

export interface EvaluateOptions {
  readonly rules: () => RuleSet;
  readonly dedupeWindowMs: number;
  readonly dedupeMax: number;
  /** Left out in tests and backtests, whose time is that of their events. */
  readonly hasWallTime?: boolean;
  /** How people are asked to confirm; left out: nobody is. */
  readonly confirmations?: ConfirmationLinks | undefined;
  /** Name of the entity store. */
  readonly store: string;
  /** Where a rule is being explained; left out in every other run. */
  readonly trace?: EvaluationTrace | undefined;
  /** Told of each expression that fails, where somebody reads that: backtests and the rules' tests. */
  readonly expressionFailed?: ((failed: FailedExpression) => void) | undefined;
}

/** A message that failed, and that no further channel of its route may take. */
export interface Undelivered {
  readonly action: Action;
  /** One line for people; no user data. */
  readonly message: string;
  /** Wall time, ms. */
  readonly at: number;
}

const envelope = avroCodec<EventRecord>('events/event');

/**
 * Children: `decisions`, `actions`, `flows`, `cancellations`, `late`, `undelivered`, and `score-requests` where models are asked
 * beside the task.
 */
export class Evaluate implements Processor<Event> {
  readonly #options: EvaluateOptions;
  #context!: ProcessorContext;
  #store!: DocumentStore<EntityDocument>;
  #host!: EvaluationHost;
  /** The one that was counted last. */
  #duplicate: Event | null = null;

  constructor(options: EvaluateOptions) {
    this.#options = options;
  }

  init(context: ProcessorContext): void {
    const { store, dedupeWindowMs, dedupeMax } = this.#options;
    this.#context = context;
    this.#store = context.store(store);
    this.#host = {
      dedupeWindowMs,
      dedupeMax,
      confirmations: this.#options.confirmations ?? null,
      output: outputOf(context, this.#options),
      streamTime: () => context.streamTime(),
      wallTime: () => (this.#options.hasWallTime === true ? context.wallTime() : null),
      count: (metric, labels) => context.count(metric, labels),
      timerFired: (at) => context.measure('timer-lateness', at),
      late: (visit, event, rules) => this.#late(visit, event, rules),
    };
  }

  process({ key, value: event }: Message<Event>): void {
    const { trace, rules: rulesNow } = this.#options;
    if (trace !== undefined && !trace.came(key, event)) return;
    const rules = rulesNow();
    const concern = concernOf(rules, key.slice(0, key.indexOf('/')), event);
    if (concern === null) {
      this.#context.count('unasked');
      return;
    }
    const known = this.#store.get(key);
    // Nobody waits for what came of a message to an entity without a document, such as one that was erased meanwhile.
    if (known === undefined && concern.isOutcomeAlone && deadAddressOf(event) === null) {
      this.#context.count('unasked');
      return;
    }
    const document = known ?? emptyEntityDocument();
    if (new Evaluation(this.#host, key, document, rules).take(event, concern)) {
      this.#store.put(key, document);
    } else {
      // One that goes to several entities is one duplicate.
      if (event !== this.#duplicate) this.#context.count('duplicate');
      this.#duplicate = event;
      trace?.duplicate(event);
    }
  }

  due(key: string, at: number): void {
    const document = this.#store.get(key);
    assert(document !== undefined, 'what is due is there');
    new Evaluation(this.#host, key, document, this.#options.rules()).pass(at);
    this.#store.put(key, document);
  }

  #late({ key, entity, document }: Visit, event: Event, rules: readonly CompiledRule[]): void {
    for (const { id } of rules) this.#context.count('late', { rule: id });
    this.#options.trace?.late(event, document.evaluatedBefore);
    const value = {
      entity: key,
      messageId: event.messageId,
      event: event.event,
      timestamp: event.time,
      evaluatedTo: document.evaluatedBefore,
      rules: rules.map(({ id }) => id),
      envelope: envelope.encode(event.toRecord()),
    };
    const headers = traceHeaders(event.traceparent);
    this.#context.forward({ key: entity.id, value, timestamp: event.time, headers }, 'late');
  }
}

type Looking = { readonly trace?: EvaluationTrace | null | undefined } & Pick<EvaluateOptions, 'expressionFailed'>;

function outputOf(context: ProcessorContext, { trace = null, expressionFailed }: Looking): DecideOutput {
  return {
    decision(value, { urgency }, own) {
      context.count('decision', { rule: value.rule, outcome: value.outcome });
      context.measure('decision-latency', value.at, { urgency }, own === null ? undefined : spanOf(value, own));
      const headers = traceHeaders(own?.own ?? null);
      context.forward({ key: value.entity.id, value, timestamp: value.at, headers }, 'decisions');
    },
    action(value, own) {
      const headers = traceHeaders(own?.own ?? null);
      context.forward({ key: value.entity.id, value, timestamp: value.at, headers }, 'actions');
    },
    flow(value) {
      context.count('flow', { rule: value.rule, kind: value.kind });
      trace?.flowed(value);
      context.forward({ key: value.entity.id, value, timestamp: value.at, headers: [] }, 'flows');
    },
    cancelled(entity, flow, at) {
      context.forward({ key: entity.id, value: { entity, flow, at }, timestamp: at, headers: [] }, 'cancellations');
    },
    routeEnded({ channel }, reason, undelivered) {
      context.count('route-ended', { channel, reason });
      if (undelivered === null) return;
      const why = `${undelivered.channel} failed, and no further channel may take over: ${reason}`;
      context.forward(
        {
          key: `${undelivered.channel}/${context.partition}`,
          value: { action: undelivered, message: why, at: context.wallTime() },
          timestamp: context.wallTime(),
          headers: [],
        },
        'undelivered',
      );
      context.count('dead-letter', { reason: 'TRG_DELIVERY_FAILED' });
    },
    ask(value) {
      context.count('score-asked', { model: value.model });
      context.forward({ key: value.entity.id, value, timestamp: value.at, headers: [] }, 'score-requests');
    },
    failed: ({ id }, expression, error) => {
      context.count('expression-failed', { rule: id });
      expressionFailed?.({ rule: id, expression, reason: firstLineOf(error) });
    },
    dropped: (rule, what) => context.count('dropped', { rule: rule.id, what }),
    trace,
  };
}

/** Without the lines by which the expressions' library shows the place. */
function firstLineOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0]!;
}

function spanOf({ id, rule, outcome }: Decision, trace: DecisionTrace): MeasuredTrace {
  return {
    name: 'decide',
    ...trace,
    attributes: { 'tripline.decision': id, 'tripline.rule': rule, 'tripline.outcome': outcome },
  };
}

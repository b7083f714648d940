// What waits for a person, as messages to those who can answer it.
//
// Owns: which records make a message, and its words. Does not own: sending it (the channel), hearing the answer (apps/http/feedback).
//
// Invariants:
//   N1. One message for each question: its id follows from what waits and since when.
//   N2. Nobody is asked what is past its time, or was asked more than OLD_MS ago: a topic that is read from its beginning, or after a
//       long outage, asks about nothing that is long over.

import { hash } from 'node:crypto';
import type { CompiledRule } from '../../rules/project/compiled-rule.ts';
import type { RuleSet } from '../../rules/project/rule-set.ts';
import type { Action } from '../../schemas/action.ts';
import type { Decision, EntityRef } from '../../schemas/decision.ts';
import type { FlowRecord } from '../../schemas/flow-record.ts';
import { decisionCodec, flowRecordCodec } from '../../schemas/framed.ts';
import type { JsonObject } from '../../schemas/json.ts';
import { encodeReviewButton } from '../../schemas/review-button.ts';
import type { Message, Processor, ProcessorContext, SourceRecord } from '../../state/processor.ts';
import { noticeAction, reviewAction } from '../channels/templates/built-in.ts';

export interface ReviewNoticesOptions {
  readonly application: string;
  /** Topic of decisions; the other is that of flows. */
  readonly decisions: string;
  /** To which the messages go. */
  readonly channel: string;
  readonly rules: () => RuleSet;
}

/** A question that waits. */
interface Question {
  readonly of: string;
  readonly rule: CompiledRule;
  readonly entity: EntityRef;
  readonly since: number;
  readonly until: number;
  readonly onTimeout: 'approve' | 'reject';
  readonly note: string | null;
  readonly values: JsonObject;
}

const OLD_MS = 86_400_000;
/** https://docs.slack.dev/reference/block-kit/blocks/section-block: text has 3,000 characters at most. */
const TEXT_LENGTH_MAX = 2_900;
/** https://docs.slack.dev/reference/block-kit/block-elements/button-element: a value has 2,000 characters at most. */
const VALUE_LENGTH_MAX = 2_000;
/** The entity that such messages are about: this installation (delivery/alerts.ts). */
const ENTITY_TYPE = 'tripline';

export class ReviewNotices implements Processor<SourceRecord> {
  readonly #options: ReviewNoticesOptions;
  #context!: ProcessorContext;

  constructor(options: ReviewNoticesOptions) {
    this.#options = options;
  }

  init(context: ProcessorContext): void {
    this.#context = context;
  }

  process({ timestamp, headers, value: { topic, record } }: Message<SourceRecord>): void {
    if (record.value === null) return;
    const rules = this.#options.rules();
    const question =
      topic === this.#options.decisions
        ? ofDecision(decisionCodec.decode(record.value), rules)
        : ofFlow(flowRecordCodec.decode(record.value), rules);
    if (question === null) return;
    const now = this.#context.wallTime();
    // N2
    if (question.until <= now || question.since < now - OLD_MS) return;
    const { application } = this.#options;
    this.#context.forward({ key: application, value: this.#action(question), timestamp, headers }, 'notices');
  }

  #action({ of, rule, entity, since, until, onTimeout, note, values }: Question): Action {
    const { application, channel } = this.#options;
    const title = `${application}: ${rule.id} waits for a person`;
    const seen = Object.entries(values).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
    const lines = [
      `${title}: ${entity.type}/${entity.id}`,
      ...(note === null ? [] : [note]),
      ...seen,
      `Until ${new Date(until).toISOString()}, then ${onTimeout}. Id: ${of}`,
    ];
    const review = encodeReviewButton({ of, entity, since });
    const fields = {
      id: hash('sha256', `${of}\0${since}\0review`).slice(0, 32),
      decision: of,
      rule: rule.id,
      ruleVersion: rule.version,
      entity: { type: ENTITY_TYPE, id: application },
      at: since,
      channel,
      data: { event: 'review_waiting', title, summary: shortened(lines.join('\n')), review },
      context: {},
    };
    // Without buttons it is answered by command.
    const action = review.length > VALUE_LENGTH_MAX ? noticeAction(fields, true) : reviewAction(fields);
    return { ...action, validUntil: until };
  }
}

function ofDecision(decision: Decision, rules: RuleSet): Question | null {
  const { id: of, rule: name, entity, at: since, outcome, values } = decision;
  const rule = outcome === 'review' ? rules.rule(name) : undefined;
  if (rule === undefined || rule.review === null) return null;
  const { atMostMs, onTimeout, note } = rule.review;
  return { of, rule, entity, since, until: since + atMostMs, onTimeout, note, values };
}

function ofFlow(
  { flow: of, rule: name, entity, at: since, kind, reason, step, until }: FlowRecord,
  rules: RuleSet,
): Question | null {
  const rule = kind === 'waiting' && reason === 'review' ? rules.rule(name) : undefined;
  const { onTimeout, asks: note = null } = rule?.program.steps[step!] ?? {};
  if (rule === undefined || onTimeout === undefined) return null;
  return { of, rule, entity, since, until: until!, onTimeout, note, values: {} };
}

function shortened(text: string): string {
  return text.length <= TEXT_LENGTH_MAX ? text : `${text.slice(0, TEXT_LENGTH_MAX)}…`;
}

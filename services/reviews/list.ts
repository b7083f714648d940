// What waits for a person, as people and programs read it.
//
// Owns: what is told of each. Does not own: which there are (waiting.ts).

import Type from 'typebox';
import type { EntityRef } from '../../schemas/decision.ts';
import type { JsonObject } from '../../schemas/json.ts';
import { knownRules, requireName } from '../names.ts';
import { type Asked, pauseOf, service } from '../operation.ts';
import type { ServiceContext } from '../service-context.ts';
import { type Assigned, type WaitingReview, waitingReviews } from './waiting.ts';

export const REVIEWS_LIMIT_MAX = 1_000;
const LIMIT = 100;

/** `limit`: those that wait longest. */
export const ListReviewsSchema = Type.Object(
  {
    rule: Type.Optional(Type.String({ minLength: 1 })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: REVIEWS_LIMIT_MAX })),
  },
  { additionalProperties: false },
);
export type ListReviews = Type.Static<typeof ListReviewsSchema>;

/** A message that may be sent once the answer is yes. */
export interface SendJson {
  readonly step: number;
  readonly name: string | null;
  /** In order; of `auto`, that alone. */
  readonly channels: readonly string[];
  readonly template: string | null;
  /** As the rule writes it: what expressions give is known when the message is made. */
  readonly data: JsonObject;
}

/** Times are ISO-8601. */
export interface ReviewJson {
  /** By which it is answered: of the decision, or of the flow. */
  readonly id: string;
  readonly kind: 'decision' | 'flow';
  readonly rule: string;
  readonly ruleVersion: string;
  readonly entity: EntityRef;
  readonly since: string;
  /** When it is over by itself; null: not known. */
  readonly until: string | null;
  /** What counts then; null: not known. */
  readonly onTimeout: 'approve' | 'reject' | null;
  /** What the person is to look at. */
  readonly note: string | null;
  /** Of a flow. */
  readonly step: { readonly number: number; readonly name: string | null } | null;
  /** Of the match. */
  readonly events: readonly string[];
  /** What the conditions of the decision saw. */
  readonly values: JsonObject;
  readonly sends: readonly SendJson[];
  readonly assigned: Assigned | null;
}

export interface ReviewsFound {
  readonly reviews: readonly ReviewJson[];
  /** How many wait. */
  readonly waiting: number;
}

/** Those that wait longest come first. Throws FatalError TRG_NAME_UNKNOWN for a rule that nobody has, TRG_FILE_UNREADABLE without a log. */
export async function listReviews(
  context: ServiceContext,
  { rule, limit = LIMIT }: ListReviews,
  asked: Asked,
): Promise<ReviewsFound> {
  if (rule !== undefined) requireName('rule', rule, await knownRules(context));
  const all = await waitingReviews(context, pauseOf(context, asked));
  const meant = all.filter(({ ruleId }) => rule === undefined || ruleId === rule);
  return { reviews: meant.slice(0, limit).map(reviewJson), waiting: meant.length };
}

function reviewJson(review: WaitingReview): ReviewJson {
  const { id, kind, ruleId, ruleVersion, rule, entity, since, until, step, events, values, assigned } = review;
  const { steps, sends } = rule.program;
  // Steps go forward only.
  const toCome = sends.filter((send) => step === null || send.step > step.number);
  return {
    id,
    kind,
    rule: ruleId,
    ruleVersion,
    entity: { type: entity.type, id: entity.id },
    since: new Date(since).toISOString(),
    until: Number.isFinite(until) ? new Date(until).toISOString() : null,
    onTimeout: kind === 'decision' ? (rule.review?.onTimeout ?? null) : (steps[step!.number]?.onTimeout ?? null),
    note: kind === 'decision' ? (rule.review?.note ?? null) : (steps[step!.number]?.asks ?? null),
    step,
    events,
    values,
    sends: toCome.map(({ step: number, channels, isAuto, template, written }) => ({
      step: number,
      name: steps[number]?.name ?? null,
      channels: isAuto ? ['auto'] : channels,
      template,
      data: written,
    })),
    assigned,
  };
}

export const listService = service(ListReviewsSchema, listReviews);

// The delivery records of the log, as of its last commit, in order of time.
//
// Owns: which are asked for, their order, how they are shown. Does not own: those still to come (follow.ts), what was sent
// (message.ts).
//
// Invariants:
//   D1. Memory does not grow with their number: they are sorted on disk (I8).

import Type from 'typebox';
import { ExternalSort } from '../../lib/external-sort.ts';
import { DELIVERY_OUTCOMES, type Delivery } from '../../schemas/delivery.ts';
import { deliveryCodec } from '../../schemas/framed.ts';
import { publicTopics } from '../../topology/topics.ts';
import { type Asked, PAUSE_RECORDS, pauseOf, service } from '../operation.ts';
import type { ServiceContext } from '../service-context.ts';
import { readTopic } from '../topics/read-topic.ts';

const NAME = Type.String({ minLength: 1 });
const strict = { additionalProperties: false };

/** What all ways of asking for deliveries share. */
export const DELIVERY_FILTER = {
  rule: Type.Optional(NAME),
  user: Type.Optional(NAME),
  channel: Type.Optional(NAME),
  outcome: Type.Optional(Type.Enum([...DELIVERY_OUTCOMES])),
  action: Type.Optional(NAME),
  decision: Type.Optional(NAME),
  /** Wall time of the outcome, ms: from it on. */
  since: Type.Optional(Type.Number()),
};

/** `limit`: the last so many, in the order of the answer. */
export const DeliveryQuerySchema = Type.Object(
  { ...DELIVERY_FILTER, limit: Type.Optional(Type.Integer({ minimum: 1 })) },
  strict,
);
export type DeliveryQuery = Type.Static<typeof DeliveryQuerySchema>;
export type DeliveryFilter = Omit<DeliveryQuery, 'limit'>;

/** A delivery as programs read it, `at` in ISO-8601 with ms. */
export type DeliveryJson = Readonly<Omit<Delivery, 'at' | 'entity'>> & {
  readonly at: string;
  readonly entity: { readonly type: string; readonly id: string };
};

export interface DeliveriesFound {
  /** How many were given. */
  readonly deliveries: number;
}

const TIME_DIGITS = 15;

/** All that fit, in order of time. Throws FatalError TRG_FILE_UNREADABLE without a log. */
export async function* queryDeliveries(
  context: ServiceContext,
  query: DeliveryQuery,
  asked: Asked,
): AsyncGenerator<DeliveryJson, DeliveriesFound, void> {
  const fits = deliveryFilter(query);
  const pause = pauseOf(context, asked);
  const sorted = new ExternalSort();
  let found = 0;
  let records = 0;
  try {
    for await (const { value } of readTopic(await context.log(), deliveriesTopic(context), pause)) {
      records++;
      if (value === null) continue;
      const delivery = deliveryCodec.decode(value);
      if (!fits(delivery)) continue;
      const place = `${String(delivery.at).padStart(TIME_DIGITS, '0')} ${String(records).padStart(TIME_DIGITS, '0')}`;
      sorted.add(place, JSON.stringify(deliveryJson(delivery)));
      found++;
    }
    let place = found - Math.min(found, query.limit ?? found);
    const deliveries = found - place;
    for (const line of sorted.sorted()) {
      if (place-- > 0) continue;
      if (-place % PAUSE_RECORDS === 0) await pause();
      yield JSON.parse(line) as DeliveryJson;
    }
    return { deliveries };
  } finally {
    sorted.close();
  }
}

export function deliveryFilter(filter: DeliveryFilter): (delivery: Delivery) => boolean {
  const { rule, user, channel, outcome, action, decision, since = -Infinity } = filter;
  return (delivery) => {
    const { entity } = delivery;
    if (rule !== undefined && delivery.rule !== rule) return false;
    if (channel !== undefined && delivery.channel !== channel) return false;
    if (outcome !== undefined && delivery.outcome !== outcome) return false;
    if (action !== undefined && delivery.action !== action) return false;
    if (decision !== undefined && delivery.decision !== decision) return false;
    if (user !== undefined && (entity.type !== 'user' || entity.id !== user)) return false;
    return delivery.at >= since;
  };
}

export function deliveryJson({ at, entity, ...delivery }: Delivery): DeliveryJson {
  const { action, decision, rule, ruleVersion, channel, ...rest } = delivery;
  const { type, id } = entity;
  return {
    action,
    decision,
    rule,
    ruleVersion,
    entity: { type, id },
    channel,
    at: new Date(at).toISOString(),
    ...rest,
  };
}

export function deliveriesTopic({ config }: Pick<ServiceContext, 'config'>): string {
  return publicTopics(config.topics.prefix).deliveries;
}

export const queryService = service(DeliveryQuerySchema, queryDeliveries);

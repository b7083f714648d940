// Deliveries as they are recorded, until nobody listens.

import type Type from 'typebox';
import { deliveryCodec } from '../../schemas/framed.ts';
import { type Asked, service } from '../operation.ts';
import type { ServiceContext } from '../service-context.ts';
import { TopicTail } from '../topics/read-topic.ts';
import {
  type DeliveryJson,
  DeliveryQuerySchema,
  deliveriesTopic,
  deliveryFilter,
  deliveryJson,
  queryDeliveries,
} from './query.ts';

export type DeliveryFollow = Type.Static<typeof DeliveryQuerySchema>;

const WAIT_MS = 1_000;

/**
 * In the order in which they are written, partition by partition; with `limit` the last so many of before come first. Throws
 * FatalError TRG_FILE_UNREADABLE without a log. Ends when the signal aborts.
 */
export async function* followDeliveries(
  context: ServiceContext,
  query: DeliveryFollow,
  asked: Asked,
): AsyncGenerator<DeliveryJson, null, void> {
  const { signal } = asked;
  const log = await context.log();
  const tail = await TopicTail.open(log, [deliveriesTopic(context)], 'end');
  try {
    const shown = new Set<string>();
    if (query.limit !== undefined) {
      for await (const delivery of queryDeliveries(context, query, asked)) {
        shown.add(nameOf(delivery));
        yield delivery;
      }
    }
    const fits = deliveryFilter(query);
    while (!signal.aborted) {
      for (const { record } of await tail.next(WAIT_MS, signal)) {
        if (record.value === null) continue;
        const delivery = deliveryCodec.decode(record.value);
        if (!fits(delivery)) continue;
        const json = deliveryJson(delivery);
        // Recorded while those of before were read.
        if (!shown.delete(nameOf(json))) yield json;
      }
    }
    return null;
  } finally {
    await tail.close();
  }
}

function nameOf({ action, outcome, at }: DeliveryJson): string {
  return `${action} ${outcome} ${at}`;
}

export const followService = service(DeliveryQuerySchema, followDeliveries);

// The examples that a new project can begin as, each with an event that makes one of its rules fire at once.

import type { JsonObject } from '../../schemas/json.ts';

export interface Example {
  readonly about: string;
  /** Body of a `POST /v1/track`. */
  readonly first: JsonObject;
  /** The rule that fires. */
  readonly fires: string;
}

export const EXAMPLES: Readonly<Record<string, Example>> = {
  shop: {
    about: 'a shop: carts left behind, payments that fail, customers who stay away',
    first: { userId: 'u1', event: 'payment_error', properties: { platform: 'web' } },
    fires: 'payment-trouble',
  },
  saas: {
    about: 'a product that people subscribe to: onboarding, trials, usage, lead scores',
    first: { userId: 'ada', event: 'signed_up' },
    fires: 'onboarding',
  },
  support: {
    about: 'a help desk: urgent tickets, deadlines, unhappy customers',
    first: {
      userId: 'ada',
      event: 'ticket_created',
      properties: { ticketId: 't1', priority: 'urgent', topic: 'billing' },
    },
    fires: 'urgent-ticket',
  },
  fraud: {
    about: 'payments: stolen cards, taken accounts, sudden spending',
    first: { userId: 'ada', event: 'payment', properties: { id: 'p1', amount: 6_000 } },
    fires: 'spending-spree',
  },
  operations: {
    about: 'services and stock: failing health checks, bad deploys, empty shelves',
    first: { anonymousId: 'warehouse', event: 'stock_level', properties: { sku: 'mug', quantity: 12 } },
    fires: 'stock-low',
  },
  iot: {
    about: 'sensors: too hot, silent, low battery',
    first: { anonymousId: 'gateway', event: 'reading', properties: { deviceId: 'd1', volts: 3 } },
    fires: 'battery-low',
  },
};

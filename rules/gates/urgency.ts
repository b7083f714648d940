// How urgent a rule is: what competes goes by it, routes of `auto` and how long a message is good follow from it.

export const URGENCIES = ['critical', 'operational', 'marketing'] as const;

export type Urgency = (typeof URGENCIES)[number];

export interface Routing {
  /** Channels in order, by urgency; of those that there are here. */
  readonly channels: Readonly<Record<Urgency, readonly string[]>>;
  /** Who did something in an app or on a page within this time is there now, ms. */
  readonly presenceWindowMs: number;
}

const MINUTE_MS = 60_000;

/** The configuration's defaults. */
export const ROUTING: Routing = {
  channels: {
    critical: ['push', 'sms', 'email'],
    operational: ['push', 'email'],
    marketing: ['inapp', 'push', 'email'],
  },
  presenceWindowMs: 5 * MINUTE_MS,
};

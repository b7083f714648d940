// The demo's second part: five VIPs whose carts are left behind. What reaches each shows what a route is for: a text message, else a
// push, else the inbox, as addresses, providers and their own wishes have it.
//
// Owns: these people, and telling what became of their messages. Does not own: the rule (examples/shop/rules/cart-recovery.yaml), the
// providers (testing/providers).

import type { ConsentChange } from '../../schemas/consent-change.ts';
import type { Decision } from '../../schemas/decision.ts';
import type { Delivery } from '../../schemas/delivery.ts';
import type { JsonObject } from '../../schemas/json.ts';

/** Of the shop example. */
const RULE = 'cart-recovery';
const MINUTE_MS = 60_000;
/** The rule waits for half an hour. */
const CART_AGE_MS = 31 * MINUTE_MS;
const ACQUAINTANCE_MS = 120 * MINUTE_MS;

interface Vip {
  readonly id: string;
  /** Why the message goes the way it goes. */
  readonly about: string;
  readonly phone: string;
  readonly hasPhoneApp: boolean;
  readonly said?: Pick<ConsentChange, 'all' | 'channels'>;
}

/** A number that Twilio's stand-in is told to refuse, as Twilio refuses landlines. */
export const LANDLINES = ['+12025550102', '+12025550104'];
export const LANDLINE_CODE = 21614;

const VIPS: readonly Vip[] = [
  { id: 'ann', about: 'has a mobile', phone: '+12025550101', hasPhoneApp: true },
  { id: 'ben', about: 'has a landline', phone: LANDLINES[0]!, hasPhoneApp: true },
  {
    id: 'cem',
    about: 'said no to texts',
    phone: '+12025550103',
    hasPhoneApp: true,
    said: { channels: { sms: false } },
  },
  { id: 'dan', about: 'has a landline, no app', phone: LANDLINES[1]!, hasPhoneApp: false },
  { id: 'eve', about: 'said no to everything', phone: '+12025550105', hasPhoneApp: true, said: { all: false } },
];

export function isVip(id: string): boolean {
  return VIPS.some((vip) => vip.id === id);
}

/** What they did until now. They live where it is noon, so that no quiet hours keep the demo waiting. */
export function vipEvents(now: number): readonly JsonObject[] {
  const hour = new Date(now).getUTCHours();
  const signedUp = new Date(now - ACQUAINTANCE_MS).toISOString();
  const filledCart = new Date(now - CART_AGE_MS).toISOString();
  // POSIX counts to the west: where it is five hours later than in Greenwich is Etc/GMT-5.
  const timezone = `Etc/GMT${hour > 12 ? '+' : '-'}${Math.abs(12 - hour)}`;
  return VIPS.flatMap(({ id: userId, phone, hasPhoneApp }): JsonObject[] => {
    const device = { type: 'android', token: `device-of-${userId}` };
    const context = hasPhoneApp ? { device, app: { namespace: 'shop' } } : {};
    const name = `${userId[0]!.toUpperCase()}${userId.slice(1)}`;
    const traits = { name, tier: 'vip', phone, timezone };
    return [
      { type: 'identify', messageId: `${userId}-1`, userId, timestamp: signedUp, traits, context },
      { type: 'track', messageId: `${userId}-2`, userId, timestamp: filledCart, event: 'add_to_cart', context },
    ];
  });
}

/** What they said of messages before. */
export function vipConsent(now: number): readonly ConsentChange[] {
  return VIPS.flatMap(({ id: userId, said }) =>
    said === undefined
      ? []
      : [{ userId, ...said, timestamp: new Date(now - ACQUAINTANCE_MS).toISOString(), source: 'demo' }],
  );
}

export class VipStory {
  readonly #ways = new Map<string, string[]>();

  decision({ rule, entity, reason, passedOver }: Decision): void {
    if (rule !== RULE) return;
    const way = this.#wayOf(entity.id);
    if (reason !== null) way.push(`nothing is sent: ${reason}`);
    else for (const { channel, reason: why } of passedOver) way.push(`${channel} passed over (${why})`);
  }

  delivery({ rule, entity, channel, outcome, reason }: Delivery): void {
    if (rule !== RULE) return;
    this.#wayOf(entity.id).push(`${channel} ${outcome}${reason === null ? '' : ` (${reason})`}`);
  }

  /** A line each. */
  lines(): readonly string[] {
    const width = Math.max(...VIPS.map(({ about }) => about.length));
    return VIPS.map(({ id, about }) => `${id}  ${about.padEnd(width)}  ${this.#wayOf(id).join(', then ')}`);
  }

  #wayOf(id: string): string[] {
    const way = this.#ways.get(id) ?? [];
    this.#ways.set(id, way);
    return way;
  }
}

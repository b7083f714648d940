// Rules to measure with: ten as a shop has them, and as many more as wanted that the same events do not concern.
//
// Owns: the rules over the events of events.ts. With more than ten, an event concerns the same few rules as with ten:
// the others each wait for an event name of their own.

export interface BenchmarkRule {
  readonly id: string;
  readonly yaml: string;
}

/** Four absences, two silences, two counts and two events; the first is what a single rule is measured with. */
const SHOP_RULES: readonly string[] = [
  `id: cart-abandonment
when:
  absence:
    after: { event: add_to_cart, where: 'event.properties.value >= 50.0', as: cart }
    of: { event: purchase, where: 'event.properties.cartId == cart.properties.cartId' }
    within: 24h
cooldown: 7d`,
  `id: cart-reminder
when:
  absence:
    after: { event: add_to_cart }
    of: { event: [purchase, payment_details] }
    within: 30m
limit: [{ max: 3, per: 7d }]`,
  `id: checkout-left
when:
  absence:
    after: { event: payment_details, as: checkout }
    of: { event: purchase }
    within: 1h
    restart: first
if: 'checkout.properties.quantity > 1.0'`,
  `id: payment-not-retried
when:
  absence:
    after: { event: payment_error }
    of: [{ event: payment_details }, { event: purchase }]
    within: 10m
    restart: each`,
  `id: win-back
when:
  inactive: { for: 14d, event: [login, add_to_cart, purchase] }
cooldown: 30d`,
  `id: no-login
when:
  inactive: { for: 7d, event: login }`,
  `id: keen-viewer
when:
  count: { event: product_view, atLeast: 5, within: 1h }
cooldown: 1d`,
  `id: payment-trouble
when:
  count: { event: payment_error, atLeast: 3, within: 10m }
urgency: operational`,
  `id: large-purchase
when: { event: purchase, where: 'event.properties.value > 150.0', as: order }
if: 'order.properties.quantity >= 2.0'`,
  `id: support-asked
when: { event: support_chat }
cooldown: 1h`,
];

/** `count` rules: the first of the shop's ten, then rules on event names that never occur. */
export function benchmarkRules(count: number): BenchmarkRule[] {
  return Array.from({ length: count }, (_, index) => {
    const yaml = SHOP_RULES[index] ?? unconcerned(index);
    return { id: /^id: (\S+)/.exec(yaml)![1]!, yaml: `${yaml}\n` };
  });
}

/** A rule that every event concerns, so that none is passed over and each is kept for its turn in order of time. */
export const RULE_FOR_ALL_EVENTS = 'id: gone-quiet\nwhen:\n  inactive: { for: 14d }\ncooldown: 30d\n';

/** The rules as one YAML file of several documents. */
export function benchmarkRulesFile(count: number): string {
  return benchmarkRules(count)
    .map((rule) => rule.yaml)
    .join('---\n');
}

/** The same patterns and conditions as the ten, so that compiling and holding them costs as much. */
function unconcerned(index: number): string {
  const other = SHOP_RULES.filter((yaml) => /event: (\w+|\[)/.test(yaml));
  const names = /\b(add_to_cart|purchase|payment_details|payment_error|login|product_view|support_chat)\b/g;
  const [idLine, ...body] = other[index % other.length]!.split('\n');
  return [`${idLine}-${index}`, ...body.map((text) => text.replace(names, `$1_${index}`))].join('\n');
}

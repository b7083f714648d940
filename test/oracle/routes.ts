// Where messages go, written apart: one person after the other, one message after the other, in plain words and without a clock of
// its own. What the engine does of it over tasks, topics and restarts must come to the same.
//
// Owns: routes, their gates, what a connector refuses, what follows from an outcome. Does not own: quiet hours, event time out of
// order (never-exceeded.test.ts), retries.

export const CHANNELS = ['email', 'sms', 'push', 'inapp', 'webhook'] as const;
export type ChannelName = (typeof CHANNELS)[number];

export interface RoutedRule {
  readonly id: string;
  readonly event: string;
  readonly urgency: 'critical' | 'operational' | 'marketing';
  readonly category: string | null;
  /** Null: auto. */
  readonly route: readonly ChannelName[] | null;
}

export interface MessageCap {
  readonly max: number;
  readonly perMs: number;
  readonly channel: ChannelName | 'any';
  readonly category: string | null;
}

/** What the provider of a channel does with a message. */
export type Answer = 'delivered' | 'failed' | 'bounce' | 'disable';

/** What is said while a message is on its way, right before its attempt is looked at for the last time. */
export type Meanwhile = 'no-channel' | 'no-category' | 'no-all';

export type Told =
  | { readonly kind: 'go'; readonly rule: number; readonly answers: Answers; readonly meanwhile: Meanwhiles }
  | { readonly kind: 'identify'; readonly traits: Readonly<Record<string, string | null>> }
  | { readonly kind: 'device' }
  | { readonly kind: 'look' }
  | { readonly kind: 'consent'; readonly about: string; readonly allowed: boolean }
  | { readonly kind: 'enable'; readonly channel: ChannelName };

export type Answers = Readonly<Record<ChannelName, Answer>>;
export type Meanwhiles = Readonly<Partial<Record<ChannelName, Meanwhile>>>;

/** `decision: outcome reason`, then a line a message. */
export interface Came {
  readonly decision: string;
  /** `channel reason` of those that the gates took out before it. */
  readonly passedOver: readonly string[];
  readonly messages: readonly string[];
  /** Channel and attempt of the message that is a dead letter; null: none is. */
  readonly letter: string | null;
}

const ADDRESS: Readonly<Record<ChannelName, string | null>> = {
  email: 'email',
  sms: 'phone',
  push: 'pushToken',
  inapp: null,
  webhook: null,
};
/** Whose addresses can be suppressed. */
const ADDRESSED = new Set<ChannelName>(['email', 'sms']);
const AUTO = {
  critical: ['push', 'sms', 'email'],
  operational: ['push', 'email'],
  marketing: ['inapp', 'push', 'email'],
} as const satisfies Record<string, readonly ChannelName[]>;
const PRESENCE_MS = 5 * 60_000;
export const OPT_IN = 'news';
export const ALWAYS = 'security';

interface Person {
  traits: Record<string, string | null>;
  devices: number;
  lookedAt: number;
  readonly said: Map<string, boolean>;
  /** Addresses that this person's task was told are dead. */
  readonly dead: Set<string>;
  readonly sent: { readonly channel: ChannelName; readonly category: string | null; readonly at: number }[];
}

export class RoutesModel {
  readonly #rules: readonly RoutedRule[];
  readonly #caps: readonly MessageCap[];
  readonly #people = new Map<string, Person>();
  readonly #suppressed = new Set<string>();
  readonly #disabled = new Set<ChannelName>();

  constructor(rules: readonly RoutedRule[], caps: readonly MessageCap[]) {
    this.#rules = rules;
    this.#caps = caps;
  }

  /** What comes of it; null: it is no event that a rule asks for. */
  tell(user: string, told: Told, at: number): Came | null {
    const person = this.#person(user);
    if (told.kind === 'identify') person.traits = { ...person.traits, ...told.traits };
    else if (told.kind === 'device') person.devices = 1;
    else if (told.kind === 'look') person.lookedAt = at;
    else if (told.kind === 'consent') person.said.set(told.about, told.allowed);
    else if (told.kind === 'enable') this.#disabled.delete(told.channel);
    else return this.#go(person, this.#rules[told.rule]!, told, at);
    return null;
  }

  /** Whether the person may be sent to. */
  consents(user: string, category: string | null, channel: ChannelName): boolean {
    return consents(this.#person(user), category, channel);
  }

  #person(user: string): Person {
    let person = this.#people.get(user);
    if (person === undefined) {
      const said = new Map<string, boolean>();
      person = { traits: {}, devices: 0, lookedAt: -Infinity, said, dead: new Set(), sent: [] };
      this.#people.set(user, person);
    }
    return person;
  }

  #go(person: Person, rule: RoutedRule, told: Told & { kind: 'go' }, at: number): Came {
    const { left: first, passedOver } = this.#allowed(person, rule, routeOf(person, rule, at), at);
    let left = first;
    if (left.length === 0) {
      const decision = `suppressed ${passedOver.at(-1)!.split(' ')[1]}`;
      return { decision, passedOver, messages: [], letter: null };
    }
    const fired = (letter: string | null): Came => ({ decision: 'fired', passedOver, messages, letter });
    const messages: string[] = [];
    let failed: string | null = null;
    for (let attempt = 1; ; attempt++) {
      const [channel, ...rest] = left as [ChannelName, ...ChannelName[]];
      person.sent.push({ channel, category: rule.category, at });
      const outcome = this.#deliver(person, rule, channel, told);
      messages.push(`${channel} ${attempt} [${rest}] ${outcome}`);
      if (outcome === 'delivered') return fired(null);
      if (outcome === 'failed') failed = `${channel} ${attempt}`;
      if (rest.length > 0) ({ left } = this.#allowed(person, rule, rest, at));
      if (rest.length === 0 || left.length === 0) return fired(failed);
    }
  }

  /** The channels of a route that the gates leave, each gate asked of all that are left. */
  #allowed(person: Person, rule: RoutedRule, route: readonly ChannelName[], at: number) {
    let left = route;
    const passedOver: string[] = [];
    const gates: [string, (channel: ChannelName) => boolean][] = [
      ['cap', (channel) => this.#caps.every((cap) => fits(cap, person, rule.category, channel, at))],
      ['consent', (channel) => consents(person, rule.category, channel)],
      ['suppressed', (channel) => !person.dead.has(addressOf(person, channel) ?? '')],
      ['unreachable', (channel) => isReachable(person, channel)],
    ];
    for (const [reason, allows] of gates) {
      for (const channel of left) if (!allows(channel)) passedOver.push(`${channel} ${reason}`);
      left = left.filter(allows);
    }
    return { left, passedOver };
  }

  /** delivered, failed, or why it was skipped. */
  #deliver(person: Person, rule: RoutedRule, channel: ChannelName, told: Told & { kind: 'go' }): string {
    const address = addressOf(person, channel);
    const meanwhile = told.meanwhile[channel];
    if (meanwhile !== undefined) person.said.set(aboutOf(meanwhile, rule, channel), false);
    if (this.#disabled.has(channel)) return 'channel-disabled';
    if (!consents(person, rule.category, channel)) return 'consent';
    if (address !== null && this.#suppressed.has(address)) {
      person.dead.add(address);
      return 'suppressed';
    }
    const answer = told.answers[channel];
    if (answer === 'bounce' && address !== null) this.#suppressed.add(address);
    if (answer === 'disable') this.#disabled.add(channel);
    return answer === 'delivered' ? 'delivered' : 'failed';
  }
}

/** What somebody says no to. */
export function aboutOf(meanwhile: Meanwhile, { category }: RoutedRule, channel: ChannelName): string {
  if (meanwhile === 'no-all') return '*';
  return meanwhile === 'no-category' && category !== null ? category : `channel:${channel}`;
}

function routeOf({ traits, lookedAt }: Person, rule: RoutedRule, at: number): readonly ChannelName[] {
  if (rule.route !== null) return rule.route;
  let route: readonly ChannelName[] = AUTO[rule.urgency];
  if (rule.urgency === 'critical') return route;
  // In-app, where it is in the list, is the first of it; who is there needs no push.
  if (at - lookedAt < PRESENCE_MS) route = route.filter((channel) => channel !== 'push');
  const preferred = route.find((channel) => channel === traits['preferredChannel']);
  return preferred === undefined ? route : [preferred, ...route.filter((channel) => channel !== preferred)];
}

function consents({ said }: Person, category: string | null, channel: ChannelName): boolean {
  if (channel === 'webhook' || category === ALWAYS) return true;
  if (said.get(`channel:${channel}`) === false || said.get('*') === false) return false;
  return category === null || (said.get(category) ?? category !== OPT_IN);
}

function isReachable({ traits, devices }: Person, channel: ChannelName): boolean {
  const name = ADDRESS[channel];
  return name === null || (traits[name] ?? null) !== null || (channel === 'push' && devices > 0);
}

/** One that can be suppressed; null: it goes to none. */
function addressOf({ traits }: Person, channel: ChannelName): string | null {
  return ADDRESSED.has(channel) ? (traits[ADDRESS[channel]!] ?? null) : null;
}

function fits(cap: MessageCap, { sent }: Person, category: string | null, channel: ChannelName, at: number): boolean {
  if (cap.channel !== 'any' && cap.channel !== channel) return true;
  if (cap.category !== null && cap.category !== category) return true;
  const counted = sent.filter(
    (one) =>
      (cap.channel === 'any' || one.channel === cap.channel) &&
      (cap.category === null || one.category === cap.category) &&
      one.at > at - cap.perMs,
  );
  return counted.length < cap.max;
}

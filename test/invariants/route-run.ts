// Rules with routes on the whole topology, connectors included: providers answer as the plan says, or when it says; consent changes
// while messages are on their way; the engine lags, dies and comes back.
//
// Owns: the world of a run and playing it. Does not own: what must come out (routes.test.ts).
//
// Invariants:
//   P1. What was written before a guard was asked is known to it: it reads the log's tables to their ends, as
//       topology/engine/global-tables.ts does.
//   P2. What happens meanwhile happens once for each message and channel, however often a death repeats the attempt.

import { setImmediate } from 'node:timers/promises';
import { ChannelGuard } from '../../connectors/channels/delivery/guard.ts';
import { knownTopics } from '../../connectors/channels/delivery/known.ts';
import type { ChannelSender, Outgoing, Rendering, SendResult } from '../../connectors/channels/delivery/sender.ts';
import { addConnector } from '../../connectors/channels/delivery/topology.ts';
import { channelTraits } from '../../connectors/channels/index.ts';
import { AssertionError } from '../../lib/assert.ts';
import { formatProblem } from '../../lib/problem.ts';
import { seededRng } from '../../lib/rng.ts';
import { checkRules } from '../../rules/index.ts';
import type { Action } from '../../schemas/action.ts';
import type { DeadLetter } from '../../schemas/dead-letter.ts';
import type { Decision } from '../../schemas/decision.ts';
import type { Delivery } from '../../schemas/delivery.ts';
import { actionCodec, deadLetterCodec, decisionCodec, deliveryCodec } from '../../schemas/framed.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { TestDriver } from '../../testing/test-driver.ts';
import { actionsTopic } from '../../topology/topics.ts';
import { triplineTopology } from '../../topology/topology.ts';
import { testDesk, writtenFacts } from '../connectors/channels/delivery/test-desk.ts';
import {
  ALWAYS,
  aboutOf,
  CHANNELS,
  type ChannelName,
  type MessageCap,
  OPT_IN,
  type RoutedRule,
  type Told,
} from '../oracle/routes.ts';

const APPLICATION = 'shop';
const PREFIX = 'tripline';
const SOURCE = 'events.shop';

/** A rule of the model, as it is written. `sends`: how many times its route is taken at once. */
export interface WrittenRule extends RoutedRule {
  readonly sends: number;
  readonly order: 'arrival' | 'event-time';
  readonly validFor: string | null;
}

export interface WorldOptions {
  readonly rules: readonly WrittenRule[];
  readonly caps: readonly MessageCap[];
  /** Providers answer only when they are told to. */
  readonly isHeld: boolean;
}

/** What was begun at a provider, and whether the person had said no by then. */
export interface Begun {
  readonly action: Action;
  readonly isUnwanted: boolean;
}

interface Going {
  readonly user: string;
  readonly told: Told & { readonly kind: 'go' };
}

export class RouteRun {
  readonly clock = new FakeClock();
  driver!: TestDriver;
  readonly begun: Begun[] = [];
  readonly #options: WorldOptions;
  readonly #going = new Map<string, Going>();
  readonly #noted = new Map<string, number>();
  readonly #facts = writtenFacts();
  readonly #happened = new Set<string>();
  readonly #held: (() => void)[] = [];
  /** Consent as it was recorded, written apart; and of each attempt, how much of it when it was noted. */
  readonly #said: { readonly user: string; readonly about: string; readonly allowed: boolean }[] = [];
  readonly #saidAtNote = new Map<string, number>();
  #reading: Promise<unknown> = Promise.resolve();

  private constructor(options: WorldOptions) {
    this.#options = options;
  }

  static async open(options: WorldOptions): Promise<RouteRun> {
    const run = new RouteRun(options);
    const topology = run.#topology();
    const { clock } = run;
    run.driver = await TestDriver.open({ topology, application: APPLICATION, partitions: 2, clock });
    return run;
  }

  async tell(user: string, told: Told): Promise<void> {
    const time = this.clock.now();
    if (told.kind === 'consent') return this.#say(user, told.about, told.allowed);
    if (told.kind === 'enable') {
      const state = { state: 'enabled', reason: null, at: time, by: 'test', retryAt: null };
      return this.driver.pipe(`${PREFIX}.channels`, { key: told.channel, value: JSON.stringify(state) });
    }
    const messageId = `m${this.#going.size}-${time}`;
    const message = { messageId, userId: user, timestamp: time, ...bodyOf(told, this.#options.rules) };
    if (told.kind === 'go') this.#going.set(messageId, { user, told });
    await this.driver.pipe(SOURCE, { key: user, value: JSON.stringify(message) });
  }

  /** Lets those that a provider has held be answered. */
  answer(count: number): void {
    for (const open of this.#held.splice(0, count)) open();
  }

  /** Lets what is under way beside the tasks go on. */
  async breathe(): Promise<void> {
    for (let turn = 0; turn < 4; turn++) await setImmediate();
  }

  /** Until each message has come to an end, and none follows. */
  async settle(): Promise<void> {
    let quiet = 0;
    for (let turn = 0; quiet < 3; turn++) {
      if (turn > 400) throw new AssertionError('the run comes to an end');
      this.answer(Number.POSITIVE_INFINITY);
      await this.driver.run();
      await this.breathe();
      const { actions, deliveries } = await this.#counts();
      quiet = actions === deliveries && this.#held.length === 0 ? quiet + 1 : 0;
      // After a death the outbox takes up what was under way a second later, or as much later as it had been under way.
      if (turn % 8 === 7) await this.driver.advanceWallClock(turn < 100 ? 1_100 : 660_000);
    }
  }

  async outputs() {
    const { driver } = this;
    const decoded = async <Value>(topic: string, decode: (bytes: Uint8Array) => Value): Promise<Value[]> =>
      (await driver.read(topic)).flatMap(({ value }) => (value === null ? [] : [decode(value)]));
    const actions: Action[] = [];
    for (const channel of CHANNELS) {
      actions.push(...(await decoded(actionsTopic(PREFIX, channel), actionCodec.decode)));
    }
    return {
      decisions: (await decoded(`${PREFIX}.decisions`, decisionCodec.decode)) as Decision[],
      actions,
      deliveries: (await decoded(`${PREFIX}.deliveries`, deliveryCodec.decode)) as Delivery[],
      letters: (await decoded(`${PREFIX}.dead-letter`, deadLetterCodec.decode)) as DeadLetter[],
    };
  }

  close(): Promise<void> {
    this.answer(Number.POSITIVE_INFINITY);
    return this.driver.close();
  }

  async #counts() {
    const ends = async (topic: string): Promise<number> => {
      let records = 0;
      for (const partition of [0, 1]) records += (await this.driver.log.admin.offsets({ topic, partition })).end;
      return records;
    };
    const ofActions = await Promise.all(CHANNELS.map((channel) => ends(actionsTopic(PREFIX, channel))));
    return { actions: ofActions.reduce((sum, one) => sum + one, 0), deliveries: await ends(`${PREFIX}.deliveries`) };
  }

  async #say(user: string, about: string, allowed: boolean): Promise<void> {
    const value = about.startsWith('channel:')
      ? { channels: { [about.slice('channel:'.length)]: allowed } }
      : about === '*'
        ? { all: allowed }
        : { categories: { [about]: allowed } };
    await this.driver.pipe(`${PREFIX}.consent-changes`, { key: user, value: JSON.stringify(value) });
    this.#said.push({ user, about, allowed });
  }

  #topology() {
    const { rules, caps } = this.#options;
    const written = caps.map(({ max, perMs, channel, category }) => {
      return { max, per: `${perMs / 60_000}m`, channel, ...(category !== null && { category }) };
    });
    const checked = checkRules([{ file: 'rules.yaml', text: rules.map(textOf).join('\n---\n') }], {
      outOfOrdernessMs: 5_000,
      entities: [],
      channels: channelTraits({ email: {}, sms: {}, push: {}, inapp: {} }),
      context: { caps: [{ file: 'caps.yaml', text: JSON.stringify(written) }], optIn: [OPT_IN], always: [ALWAYS] },
    });
    if (checked.errors.length > 0) throw new AssertionError(checked.errors.map(formatProblem).join('\n'));
    return () => {
      const topology = triplineTopology({
        application: APPLICATION,
        prefix: PREFIX,
        sources: [{ topic: SOURCE, format: 'segment', keyed: true, entity: 'user' }],
        rules: () => checked.ruleSet,
        channels: CHANNELS,
        readsFacts: true,
        maxClockSkewMs: 300_000,
        dedupeWindowMs: 86_400_000,
        dedupeMax: 1_000,
        recordBytesMax: 10_000,
        useRecordTime: true,
        cacheBytes: 1_000_000,
      });
      for (const channel of CHANNELS) {
        addConnector(topology, {
          application: APPLICATION,
          channel,
          prefix: PREFIX,
          sender: this.#sender(channel),
          rng: seededRng(1),
          schedule: [],
          desk: this.#desk(channel),
          archives: false,
          tellsSent: false,
          alertsTo: null,
        });
      }
      return topology;
    };
  }

  #desk(channel: ChannelName) {
    const { clock } = this;
    const desk = testDesk({ channel, clock, facts: this.#facts, noted: this.#noted });
    const guard = new ChannelGuard({
      channel,
      asksConsent: channel !== 'webhook',
      terms: { optIn: new Set([OPT_IN]), doubleOptIn: new Set(), always: new Set([ALWAYS]) },
      isSandbox: false,
      known: this.#facts.known,
      current: async (signal) => {
        await this.#read();
        return !signal.aborted;
      },
      now: () => clock.now(),
    });
    const note = async (action: string, attempt: number): Promise<void> => {
      await desk.attempts.note(action, attempt);
      await this.#meanwhile(action, channel);
      this.#saidAtNote.set(action, this.#said.length);
    };
    return { ...desk, guard, attempts: { ...desk.attempts, note } };
  }

  /** P1. */
  #read(): Promise<unknown> {
    this.#reading = this.#reading.then(async () => {
      for (const topic of Object.values(knownTopics(APPLICATION, PREFIX))) {
        for (const record of await this.driver.read(topic)) this.#facts.take(topic, record);
      }
    });
    return this.#reading;
  }

  readonly #messageOf = new Map<string, string>();

  /** P2. */
  async #meanwhile(action: string, channel: ChannelName): Promise<void> {
    const messageId = this.#messageOf.get(action)!;
    const { user, told } = this.#going.get(messageId)!;
    const what = told.meanwhile[channel];
    if (what === undefined || this.#happened.has(`${messageId} ${channel}`)) return;
    this.#happened.add(`${messageId} ${channel}`);
    await this.#say(user, aboutOf(what, this.#options.rules[told.rule]!, channel), false);
  }

  #sender(channel: ChannelName): ChannelSender {
    return {
      render: (action): Rendering => {
        this.#messageOf.set(action.id, String(action.data['id']));
        const { profile } = action.context as { profile: Record<string, string | null> };
        const kind = channel === 'email' ? 'email' : 'phone';
        const value = profile[channel === 'email' ? 'email' : 'phone'] ?? null;
        const isAddressed = channel === 'email' || channel === 'sms';
        if (isAddressed && value === null) return { outcome: 'skipped', reason: 'no-address' };
        return { outcome: 'rendered', message: { address: isAddressed ? { kind, value: value! } : null, content: {} } };
      },
      send: (outgoing: Outgoing, signal: AbortSignal) => this.#send(channel, outgoing.action, signal),
      close: async () => {},
    };
  }

  async #send(channel: ChannelName, action: Action, signal: AbortSignal): Promise<SendResult> {
    this.begun.push({ action, isUnwanted: !this.#mayBegin(channel, action) });
    if (this.#options.isHeld) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#held.push(resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
      await promise;
    }
    const answer = this.#going.get(String(action.data['id']))!.told.answers[channel];
    if (answer === 'delivered') return { outcome: 'delivered', providerId: null };
    if (answer === 'bounce') return { outcome: 'failed', reason: '550', suppress: { reason: 'bounce' } };
    return { outcome: 'failed', reason: '410', disable: answer === 'disable' };
  }

  /** By what had been said when the attempt was noted, which is before the guard is asked. */
  #mayBegin(channel: ChannelName, { id, entity, category }: Action): boolean {
    if (channel === 'webhook' || category === ALWAYS) return true;
    const said = new Map<string, boolean>();
    for (const one of this.#said.slice(0, this.#saidAtNote.get(id)!)) {
      if (one.user === entity.id) said.set(one.about, one.allowed);
    }
    if (said.get('*') === false || said.get(`channel:${channel}`) === false) return false;
    return category === null || (said.get(category) ?? category !== OPT_IN);
  }
}

function bodyOf(told: Told, rules: readonly WrittenRule[]): object {
  if (told.kind === 'identify') return { type: 'identify', traits: told.traits };
  if (told.kind === 'go') return { type: 'track', event: rules[told.rule]!.event };
  const context =
    told.kind === 'look'
      ? { page: { path: '/' } }
      : { device: { type: 'android', token: 't' }, library: { name: 'x' } };
  return { type: 'track', event: 'seen', context };
}

function textOf({ id, event, urgency, category, route, sends, order, validFor }: WrittenRule): string {
  const [channel, ...fallback] = route ?? ['auto'];
  const send = {
    send: { channel, template: 't', ...(fallback.length > 0 && { fallback }), data: { id: 'event.messageId' } },
  };
  return JSON.stringify({
    id,
    when: { event },
    urgency,
    order,
    ...(category !== null && { category }),
    ...(validFor !== null && { validFor }),
    // biome-ignore lint/suspicious/noThenProperty: the language's word; a rule is never awaited.
    then: Array.from({ length: sends }, () => send),
  });
}

// What the connectors of an engine thread need beside their tasks: the tables of what is known, the notes of attempts, and a desk
// for each channel.
//
// Owns: opening and closing them, what is logged of failures. Does not own: what they are (connectors/channels/delivery).

import { join } from 'node:path';
import { fallbackAfterMsOf, paceOfChannel } from '../../connectors/channels/common-options.ts';
import { Alerts } from '../../connectors/channels/delivery/alerts.ts';
import { AttemptStore } from '../../connectors/channels/delivery/attempt-store.ts';
import { Breaker } from '../../connectors/channels/delivery/breaker.ts';
import type { DeliveryDesk } from '../../connectors/channels/delivery/desk.ts';
import { ChannelGuard } from '../../connectors/channels/delivery/guard.ts';
import { Known, knownTopics, tableSpecs } from '../../connectors/channels/delivery/known.ts';
import { channelOf, connectedChannels } from '../../connectors/channels/index.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Counters } from '../../lib/counters.ts';
import { describeError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { systemRng } from '../../lib/rng.ts';
import type { Delivery } from '../../schemas/delivery.ts';
import { LevelStore } from '../../state/store/level-store.ts';
import { GlobalTables } from '../../topology/engine/global-tables.ts';
import type { Log } from '../../topology/engine/ports.ts';
import { actionsTopic } from '../../topology/topics.ts';
import { consentTerms } from '../config/consent.ts';
import type { Config } from '../config/index.ts';

export interface DeliveryOptions {
  readonly config: Config;
  readonly log: Log;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: Counters;
  /** Of the engine thread: each has its own. */
  readonly index: number;
}

/** The desks of the channels that are configured. To be closed. */
export interface DeliveryParts {
  desk(channel: string): DeliveryDesk;
  close(): Promise<void>;
}

/** Lines about failures in a minute, for each channel; the others are counted. */
const FAILURES_LOGGED_MAX = 10;
const LOG_WINDOW_MS = 60_000;

/** Null: no channel is configured. Throws FatalError TRG_STATE_LOCKED, TRG_LOG_DENIED for a topic that may not be read, and what the log throws. */
export async function openDelivery(options: DeliveryOptions): Promise<DeliveryParts | null> {
  const { config, log, clock, logger, counters, index } = options;
  const connected = connectedChannels(config.channels);
  const names = connected.map(({ name }) => name);
  if (names.length === 0) return null;
  const { application, topics } = config;
  const folder = join(config.dataDir, 'delivery');
  const onDamaged = (place: string, error: unknown): void => {
    logger.warn(
      { folder: place, error: describeError(error) },
      'what is known for deliveries is damaged and is begun anew',
    );
  };
  const partitions = await log.admin.topics();
  const tableStore = await LevelStore.open(join(folder, `tables-${index}`), onDamaged);
  const noteStore = await LevelStore.open(join(folder, `attempts-${index}`), onDamaged);
  const attempts = await AttemptStore.open(noteStore, clock);
  const known = knownTopics(application, topics.prefix);
  const breakers = new Map(names.map((name) => [name, new Breaker(clock, systemRng)]));
  const openedAt = clock.now();
  const released = new Map<string, number>();
  let faultLoggedAt = -Infinity;
  const tables = new GlobalTables({
    log,
    tables: tableSpecs(known),
    store: tableStore,
    clock,
    onFault(error) {
      counters.add('known-fault');
      const now = clock.now();
      if (now - faultLoggedAt < LOG_WINDOW_MS) return;
      faultLoggedAt = now;
      logger.warn(
        { error: describeError(error) },
        'what must be known before sending cannot be read; nothing is sent meanwhile',
      );
    },
    onChange(topic, key) {
      if (topic !== known.channels) return;
      // Enabled, or asked to send now: either way what waits may go.
      const { state, at, retryAt } = facts.channel(key);
      const news = Math.max(retryAt ?? 0, state === 'enabled' ? at : 0);
      if (news <= (released.get(key) ?? openedAt)) return;
      released.set(key, news);
      breakers.get(key)?.release('retry');
    },
  });
  const facts = new Known(known, (topic) => tables.table(topic));
  const alertsOf = alertsBy(config);
  const terms = consentTerms(config.consent);
  const desks = new Map(
    connected.map(({ name, channel, connector, options: channelOptions }): [string, DeliveryDesk] => {
      // What is printed in another channel's place asks what that one asks.
      const { asksConsent } = (channelOf(name, config.channels[name]) ?? channel).traits;
      const guard = new ChannelGuard({
        channel: name,
        asksConsent,
        terms,
        isSandbox: config.mode === 'sandbox',
        known: facts,
        current: (signal) => tables.current(signal),
        now: () => clock.now(),
      });
      const desk = {
        clock,
        guard,
        attempts,
        breaker: breakers.get(name)!,
        pace: paceOfChannel(channelOptions, connector.ratePerSecond ?? null),
        partitions: partitions.get(actionsTopic(topics.prefix, name)) ?? 1,
        fallbackAfterMs: fallbackAfterMsOf(channelOptions, config.fallbackAfterMs),
        archives: config.archiveMs !== null,
        tellsSent: config.http?.publicUrl !== undefined,
        alerts: alertsOf,
        suppression: (address: Parameters<Known['suppression']>[0]) => facts.suppression(address),
        onFailed: failureLog(logger, clock),
      };
      return [name, desk];
    }),
  );
  const close = async (): Promise<void> => {
    for (const breaker of breakers.values()) breaker.close();
    await tables.close();
    await tableStore.close();
    await attempts.close();
  };
  try {
    await tables.firstRead();
  } catch (error) {
    await close();
    throw error;
  }
  return { desk: (channel) => desks.get(channel)!, close };
}

function alertsBy({ alerts, application, channels }: Config): Alerts | null {
  if (alerts === null) return null;
  const { channel } = alerts;
  const isTemplated = channelOf(channel, channels[channel])?.traits.template === 'needed';
  return new Alerts({ channel, application, isTemplated });
}

/** What failed is worth a line, an outage no more than some. */
function failureLog(logger: Logger, clock: Clock): (delivery: Delivery) => void {
  let since = -Infinity;
  let failures = 0;
  return ({ channel, rule, action, reason, attempts }) => {
    const now = clock.now();
    if (now - since >= LOG_WINDOW_MS) {
      const passedOver = failures - FAILURES_LOGGED_MAX;
      if (passedOver > 0) logger.warn({ channel, failures: passedOver }, 'further deliveries failed');
      since = now;
      failures = 0;
    }
    failures++;
    if (failures <= FAILURES_LOGGED_MAX) logger.warn({ channel, rule, action, reason, attempts }, 'a delivery failed');
  };
}

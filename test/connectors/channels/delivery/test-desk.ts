// The desk of a channel over facts that a test writes: real guard, real folding of records, and no log.

import { Breaker } from '../../../../connectors/channels/delivery/breaker.ts';
import type { DeliveryDesk } from '../../../../connectors/channels/delivery/desk.ts';
import { ChannelGuard } from '../../../../connectors/channels/delivery/guard.ts';
import { Known, knownTopics, tableSpecs } from '../../../../connectors/channels/delivery/known.ts';
import type { Clock } from '../../../../lib/clock.ts';
import { seededRng } from '../../../../lib/rng.ts';
import type { LogRecord } from '../../../../schemas/record.ts';
import type { TableEntry } from '../../../../topology/engine/global-tables.ts';

export interface WrittenFacts {
  readonly known: Known;
  /** A record of that topic; `value` as JSON. */
  write(topic: string, key: string, value: unknown, timestamp?: number): void;
  /** How often somebody asked whether these are current. */
  asked: number;
}

export function writtenFacts(): WrittenFacts {
  const topics = knownTopics('shop', 'tripline');
  const entries = new Map<string, TableEntry>();
  const specs = new Map(tableSpecs(topics).map((spec) => [spec.topic, spec]));
  return {
    asked: 0,
    known: new Known(topics, (topic) => ({ get: (key) => entries.get(`${topic}/${key}`) })),
    write(topic, key, value, timestamp = 0) {
      const { keyOf, fold } = specs.get(topic)!;
      const bytes = value === null ? null : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
      const record: LogRecord = { offset: 0, timestamp, key: Buffer.from(key), value: bytes, headers: [] };
      const name = `${topic}/${keyOf === undefined ? key : keyOf(record)}`;
      const kept = fold === undefined ? bytes : fold(entries.get(name), record);
      if (kept === null) entries.delete(name);
      else entries.set(name, { timestamp, value: kept });
    },
  };
}

interface TestDesk extends Partial<DeliveryDesk> {
  readonly channel: string;
  readonly clock: Clock;
  readonly facts?: WrittenFacts;
  /** What outlives a crash. */
  readonly noted?: Map<string, number>;
  readonly isSandbox?: boolean;
}

export function testDesk(options: TestDesk): DeliveryDesk {
  const { channel, clock, facts = writtenFacts(), noted = new Map<string, number>(), isSandbox = false } = options;
  const guard = new ChannelGuard({
    channel,
    asksConsent: channel !== 'webhook',
    terms: {
      optIn: new Set(['news']),
      doubleOptIn: new Set(['letters', 'channel:sms']),
      always: new Set(['security']),
    },
    isSandbox,
    known: facts.known,
    current: (signal) => {
      facts.asked++;
      return Promise.resolve(!signal.aborted);
    },
    now: () => clock.now(),
  });
  return {
    guard,
    attempts: {
      note: async (action, attempt) => void noted.set(action, attempt),
      begun: (action) => noted.get(action) ?? 0,
      forget: (actions) => {
        for (const action of actions) noted.delete(action);
      },
    },
    breaker: new Breaker(clock, seededRng(2)),
    pace: { perSecond: null, warmUp: null },
    partitions: 1,
    fallbackAfterMs: 900_000,
    archives: false,
    tellsSent: false,
    alerts: null,
    suppression: (address) => facts.known.suppression(address),
    onFailed: () => {},
    ...options,
  };
}

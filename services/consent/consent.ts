// Consent as people and programs ask for it: what a person said, when and where (the proof), and saying it for them.
//
// Owns: records of tripline.consent-changes that come from commands and imports, and reading what is there. Does not own: what
// consent does (rules/gates/consent.ts, connectors/channels/delivery).

import Type from 'typebox';
import { utf8Bytes, utf8Text } from '../../lib/bytes.ts';
import { FatalError, RecordError } from '../../lib/errors.ts';
import { partitionOf } from '../../lib/murmur2.ts';
import { saidOf } from '../../rules/gates/consent.ts';
import { normalisedAddress } from '../../schemas/address.ts';
import { type ConsentChange, encodeConsentChange, proofOfConsent } from '../../schemas/consent-change.ts';
import { isYes, saidIn, type Wish, wishAfter } from '../../schemas/consent-wish.ts';
import type { Json, JsonObject } from '../../schemas/json.ts';
import type { NewRecord } from '../../schemas/record.ts';
import {
  decodeSuppression,
  encodeSuppression,
  SUPPRESSION_REASONS,
  suppressionKey,
} from '../../schemas/suppression.ts';
import { publicTopics } from '../../topology/topics.ts';
import { consentTerms } from '../config/consent.ts';
import { type Asked, pauseOf, service } from '../operation.ts';
import type { ServiceContext } from '../service-context.ts';
import { readTopic } from '../topics/read-topic.ts';

const strict = { additionalProperties: false };
/** Of an import: more are several questions. */
const CHANGES_MAX = 1_000;

/** Bodies as `POST /v1/consent` takes them, and `requestedAt` of what was confirmed. */
export const ChangeConsentSchema = Type.Object(
  {
    changes: Type.Array(Type.Unknown(), { maxItems: CHANGES_MAX }),
    suppressions: Type.Array(
      Type.Object(
        {
          kind: Type.Enum(['email', 'phone']),
          address: Type.String({ minLength: 1 }),
          reason: Type.Enum([...SUPPRESSION_REASONS]),
          at: Type.Union([Type.Number(), Type.Null()]),
        },
        strict,
      ),
      { maxItems: CHANGES_MAX },
    ),
  },
  strict,
);
export type ChangeConsent = Type.Static<typeof ChangeConsentSchema>;

export const ShowConsentSchema = Type.Object({ user: Type.String({ minLength: 1 }) }, strict);
export type ShowConsent = Type.Static<typeof ShowConsentSchema>;

export interface ConsentJson {
  readonly user: string;
  /** What holds now: `*` (everything), categories, `channel:<name>`. */
  readonly said: Readonly<Record<string, boolean>>;
  /** Of what is not allowed, what was said yes to and is still to be confirmed. */
  readonly pending: readonly string[];
  /** Each change, the oldest first: the proof. */
  readonly changes: readonly ConsentChange[];
  /** Addresses of the person that nothing is sent to, which is no opt-out. */
  readonly suppressed: readonly { readonly kind: string; readonly reason: string; readonly at: string }[];
}

/**
 * Writes all of them or none. Throws FatalError TRG_RECORD_INVALID for one that is none, TRG_LOG_LOCKED while a worker has the
 * embedded log and is not the one that is asked, TRG_FILE_UNREADABLE without a log.
 */
export async function changeConsent(
  context: ServiceContext,
  { changes, suppressions }: ChangeConsent,
): Promise<{ readonly written: number }> {
  const { config, clock } = context;
  const now = clock.now();
  const said = changes.map((body) => checked(body as Json, now));
  const log = await context.writableLog();
  const topics = publicTopics(config.topics.prefix);
  const known = await log.admin.topics();
  const specs = [
    { topic: topics.consentChanges, partitions: config.log.partitions, stampedOnAppend: true },
    { topic: topics.suppressions, partitions: config.log.partitions, compacted: true },
  ];
  const missing = specs.filter(({ topic }) => !known.has(topic));
  if (missing.length > 0) await log.admin.createTopics(missing);
  const recordOf = (topic: string, name: string, json: Uint8Array): NewRecord => {
    const key = utf8Bytes(name);
    const partition = partitionOf(key, known.get(topic) ?? config.log.partitions);
    return { topic, partition, timestamp: now, key, value: json, headers: [] };
  };
  const id = `${config.application}-consent`;
  const writer = await log.openWriter(id);
  try {
    writer.send([
      ...said.map((change) => recordOf(topics.consentChanges, change.userId, encodeConsentChange(change))),
      ...suppressions.map(({ kind, address: value, reason, at }) => {
        const address = normalisedAddress({ kind, value });
        const suppression = { kind, address, reason, at: at ?? now, source: 'import', entities: [] };
        return recordOf(topics.suppressions, suppressionKey(suppression), encodeSuppression(suppression));
      }),
    ]);
    await writer.commit(id, []);
  } finally {
    await writer.close();
  }
  return { written: said.length + suppressions.length };
}

function checked(body: Json, now: number): ConsentChange {
  try {
    return proofOfConsent(body, now);
  } catch (error) {
    if (error instanceof RecordError) throw new FatalError('TRG_RECORD_INVALID', error.message);
    throw error;
  }
}

/** Throws FatalError TRG_FILE_UNREADABLE without a log. */
export async function showConsent(context: ServiceContext, { user }: ShowConsent, asked: Asked): Promise<ConsentJson> {
  const pause = pauseOf(context, asked);
  const log = await context.log();
  const { consent, consentChanges, suppressions } = publicTopics(context.config.topics.prefix);
  const told: { readonly change: ConsentChange; readonly isWhole: boolean }[] = [];
  for (const topic of [consent, consentChanges]) {
    for await (const { key, value, timestamp } of readTopic(log, topic, pause)) {
      if (key === null || value === null || utf8Text(key) !== user) continue;
      const body = { source: topic, ...(JSON.parse(utf8Text(value)) as object), userId: user };
      told.push({ change: proofOfConsent(body as Json, timestamp), isWhole: topic === consent });
    }
  }
  told.sort((a, b) => Date.parse(a.change.timestamp) - Date.parse(b.change.timestamp));
  const suppressed = new Map<string, ConsentJson['suppressed'][number]>();
  for await (const { key, value } of readTopic(log, suppressions, pause)) {
    if (key === null) continue;
    const found = value === null ? undefined : decodeSuppression(value);
    if (found?.entities.includes(`user/${user}`) !== true) suppressed.delete(utf8Text(key));
    else {
      const { kind, reason, at } = found;
      suppressed.set(utf8Text(key), { kind, reason, at: new Date(at).toISOString() });
    }
  }
  return {
    user,
    ...heldBy(told, context.config),
    changes: told.map(({ change }) => change),
    suppressed: [...suppressed.values()],
  };
}

/** `isWhole`: it is of a system of the user's own, which is believed as it is. */
function heldBy(
  told: readonly { readonly change: ConsentChange; readonly isWhole: boolean }[],
  { consent }: ServiceContext['config'],
): Pick<ConsentJson, 'said' | 'pending'> {
  const wishes = new Map<string, Wish>();
  for (const { change, isWhole } of told) {
    const isConfirmed = change.requestedAt !== undefined || isWhole;
    const at = Date.parse(change.timestamp);
    for (const [about, allowed] of saidIn(change as unknown as JsonObject)) {
      wishes.set(about, wishAfter(wishes.get(about), { allowed, at, isConfirmed }));
    }
  }
  const said = saidOf((about) => wishes.get(about), consentTerms(consent).doubleOptIn);
  const all = [...wishes].map(([about, wish]) => ({ about, isYes: isYes(wish), isAllowed: said(about) === true }));
  return {
    said: Object.fromEntries(all.map(({ about, isAllowed }) => [about, isAllowed])),
    pending: all.flatMap(({ about, isYes: yes, isAllowed }) => (yes && !isAllowed ? [about] : [])),
  };
}

export const changeService = service(ChangeConsentSchema, changeConsent);
export const showService = service(ShowConsentSchema, showConsent);

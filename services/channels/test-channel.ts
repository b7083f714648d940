// Sends one message of Tripline's own over a channel, so that somebody sees that it works before a rule does.
//
// Invariants:
//   T1. It asks what every message is asked right before it goes (guard.ts): who has opted out, or whose address is suppressed,
//       gets no test either. In sandbox it is rendered, and that is said.

import Type from 'typebox';
import { openChannel } from '../../connectors/channels/channel.ts';
import { attempt } from '../../connectors/channels/delivery/attempt.ts';
import { ChannelGuard } from '../../connectors/channels/delivery/guard.ts';
import { Known, knownTopics, tableSpecs } from '../../connectors/channels/delivery/known.ts';
import { channelOf } from '../../connectors/channels/index.ts';
import { noticeAction } from '../../connectors/channels/templates/built-in.ts';
import { Templates } from '../../connectors/channels/templates/templates.ts';
import { newId } from '../../lib/rng.ts';
import type { Action } from '../../schemas/action.ts';
import type { JsonObject } from '../../schemas/json.ts';
import { MemoryStore } from '../../state/store/memory-store.ts';
import { GlobalTables } from '../../topology/engine/global-tables.ts';
import { consentTerms } from '../config/consent.ts';
import { type Asked, service } from '../operation.ts';
import type { ServiceContext } from '../service-context.ts';
import { entityState } from '../state/entity.ts';
import { requireChannel } from './channels.ts';

const NAME = Type.String({ minLength: 1 });

export const TestChannelSchema = Type.Object({ channel: NAME, user: NAME }, { additionalProperties: false });
export type TestChannel = Type.Static<typeof TestChannelSchema>;

export interface ChannelTested {
  readonly channel: string;
  /** Id of the action that was made for it: the provider's idempotency key. */
  readonly action: string;
  readonly outcome: 'delivered' | 'failed' | 'skipped' | 'retry';
  /** `sandbox`: it was rendered, and not sent. */
  readonly reason: string | null;
  readonly providerId: string | null;
  /** What was rendered, as its channel has it; null: it was not. */
  readonly message: { readonly to: string | null; readonly content: JsonObject } | null;
}

/**
 * Throws FatalError TRG_NAME_UNKNOWN for a channel that is not configured, TRG_FILE_UNREADABLE without a log, and what asking for
 * the person throws (services/state/entity.ts).
 */
export async function testChannel(
  context: ServiceContext,
  { channel: name, user }: TestChannel,
  asked: Asked,
): Promise<ChannelTested> {
  const { config, clock } = context;
  requireChannel(context, name);
  const options = config.channels[name]!;
  const channel = channelOf(name, options)!;
  const action = testAction(context, {
    name,
    user,
    profile: await profileOf(context, user, asked),
    isTemplated: channel.traits.template === 'needed',
  });
  const known = knownTopics(config.application, config.topics.prefix);
  const log = await context.log();
  const existing = await log.admin.topics();
  const tables = new GlobalTables({
    log,
    // Before a worker has run there are no opt-outs: there is nowhere that one could be.
    tables: tableSpecs(known).filter(({ topic }) => existing.has(topic)),
    store: new MemoryStore(),
    clock,
    onFault: () => {},
  });
  const { application } = config;
  const templates = new Templates(new Map());
  const dependencies = {
    clock,
    templates,
    application,
    publicUrl: null,
    links: null,
    always: new Set<string>(),
    ruleDescription: () => null,
  };
  const sender = openChannel(channel, options, dependencies, name);
  try {
    const guard = new ChannelGuard({
      channel: name,
      asksConsent: channel.traits.asksConsent,
      terms: consentTerms(config.consent),
      isSandbox: config.mode === 'sandbox',
      known: new Known(known, (topic) => tables.table(topic)),
      current: (signal) => tables.current(signal),
      now: () => clock.now(),
    });
    const desk = { sender, guard, attempts: { note: () => Promise.resolve() } };
    const { result, message } = await attempt(desk, { action, attempt: 1, traceparent: null }, asked.signal);
    return {
      channel: name,
      action: action.id,
      outcome: result.outcome,
      reason: result.outcome === 'delivered' ? null : result.reason,
      providerId: result.outcome === 'delivered' ? result.providerId : null,
      message:
        message === null
          ? null
          : { to: message.address?.value ?? null, content: message.content as unknown as JsonObject },
    };
  } finally {
    await sender.close();
    await tables.close();
  }
}

async function profileOf(context: ServiceContext, user: string, asked: Asked): Promise<JsonObject> {
  const { documents } = await entityState(context, { type: 'user', id: user }, asked);
  const profile = (documents[0]?.['profile'] ?? {}) as Readonly<Record<string, { readonly value: JsonObject }>>;
  return Object.fromEntries(Object.entries(profile).map(([attribute, { value }]) => [attribute, value]));
}

interface TestOf {
  readonly name: string;
  readonly user: string;
  readonly profile: JsonObject;
  readonly isTemplated: boolean;
}

function testAction({ config, clock }: ServiceContext, { name, user, profile, isTemplated }: TestOf): Action {
  const id = `test-${newId()}`;
  const title = `Test of ${config.application}`;
  const fields = {
    id,
    decision: id,
    rule: 'tripline-test',
    ruleVersion: '0',
    entity: { type: 'user', id: user },
    at: clock.now(),
    channel: name,
    data: { title, summary: `Tripline sent this over the channel ${name}, because somebody asked it to.` },
    context: { profile },
  };
  return noticeAction(fields, isTemplated);
}

export const testService = service(TestChannelSchema, testChannel);

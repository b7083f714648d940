// What a rule would say: its actions are rendered for each channel of their routes, as they would be sent. They are those of events of a
// file, which are replayed, when the rule first fires; or those that the log has (last-messages.ts).
//
// Invariants:
//   P1. Nothing is sent, and nobody is asked: channels are opened for rendering alone.
//   P2. Links of a preview are signed with a secret that nobody keeps: who clicks one changes nothing.

import { openChannel } from '../../connectors/channels/channel.ts';
import { type ConnectedChannel, connectedChannels } from '../../connectors/channels/index.ts';
import { Links } from '../../connectors/channels/links/links.ts';
import { Templates } from '../../connectors/channels/templates/templates.ts';
import type { Clock } from '../../lib/clock.ts';
import { describeError } from '../../lib/errors.ts';
import { newSecret } from '../../lib/rng.ts';
import type { Action } from '../../schemas/action.ts';
import type { JsonObject } from '../../schemas/json.ts';
import { END_OF_TIME } from '../../topology/replay.ts';
import { type EventsFile, replayEvents } from '../backtest/replay-events.ts';
import type { Config } from '../config/index.ts';
import { requireName } from '../names.ts';
import type { Project } from '../project/load-project.ts';

export interface RenderOptions {
  readonly config: Config;
  /** With its templates. */
  readonly project: Project;
  readonly clock: Clock;
}

export interface PreviewOptions extends EventsFile, RenderOptions {
  readonly rule: string;
  /** Whose messages, by the id of the rule's entity; null: of whomever the rule fires for first. */
  readonly user: string | null;
}

export interface PreviewedMessage {
  readonly channel: string;
  readonly entity: string;
  /** Event time of the decision, ms. */
  readonly at: number;
  /** From 1: the first channel of the route, then those that it falls back to. */
  readonly attempt: number;
  /** `elsewhere`: another program delivers this channel, and makes the message. */
  readonly outcome: 'rendered' | 'failed' | 'skipped' | 'elsewhere';
  readonly reason: string | null;
  readonly to: string | null;
  readonly content: JsonObject | null;
  /** What the template shows, as it is written there, and is not there. */
  readonly missing: readonly string[];
}

export interface Preview {
  /** Empty: the rule sends nothing on these events. */
  readonly messages: readonly PreviewedMessage[];
  /** Lines of the file that cannot be read. */
  readonly refused: number;
}

/** Throws FatalError TRG_NAME_UNKNOWN for a rule that is not there, TRG_FILE_UNREADABLE, and the mapping's errors. */
export async function preview(options: PreviewOptions): Promise<Preview> {
  const { rules } = options.project.rules;
  requireName(
    'rule',
    options.rule,
    rules.map(({ id }) => id),
  );
  const { actions, refused } = await firstActions(options);
  return { messages: await renderedActions(actions, options), refused };
}

/** Each on all channels of its route. */
export async function renderedActions(
  actions: readonly Action[],
  options: RenderOptions,
): Promise<readonly PreviewedMessage[]> {
  const channels = new Map(connectedChannels(options.config.channels).map((each) => [each.name, each]));
  const messages: PreviewedMessage[] = [];
  for (const action of actions) {
    for (const [before, channel] of [action.channel, ...action.fallback].entries()) {
      const attempted = { ...action, channel, attempt: before + 1, fallback: action.fallback.slice(before) };
      messages.push(await rendered(attempted, channels.get(channel), options));
    }
  }
  return messages;
}

/** Those of the rule's first decision that sends something. */
async function firstActions(options: PreviewOptions): Promise<{ actions: readonly Action[]; refused: number }> {
  const { rule, user, config, project } = options;
  let actions: readonly Action[] = [];
  let unusable = 0;
  const take = (action: Action): void => {
    if (action.rule !== rule || (user !== null && action.entity.id !== user)) return;
    const [first] = actions;
    if (first?.decision === action.decision) actions = [...actions, action];
    else if (first === undefined || action.at < first.at) actions = [action];
  };
  const unreadable = await replayEvents({
    config,
    rules: project.rules.ruleSet,
    file: options,
    end: () => END_OF_TIME,
    outputs: { actions: take, 'dead-letter': () => unusable++ },
  });
  return { actions, refused: unreadable + unusable };
}

async function rendered(
  action: Action,
  connected: ConnectedChannel | undefined,
  { config, project, clock }: RenderOptions,
): Promise<PreviewedMessage> {
  const { channel, entity, at, attempt } = action;
  const about = { channel, entity: `${entity.type}/${entity.id}`, at, attempt, missing: [] };
  if (connected === undefined) return { ...about, outcome: 'elsewhere', reason: null, to: null, content: null };
  const publicUrl = config.http?.publicUrl ?? null;
  const dependencies = {
    clock,
    templates: project.templates[0] ?? new Templates(new Map()),
    application: config.application,
    publicUrl,
    links: publicUrl === null ? null : new Links(publicUrl, newSecret()),
    always: new Set(config.consent.always),
    ruleDescription: (id: string) => project.rules.ruleSet.rule(id)?.description ?? null,
  };
  try {
    const sender = openChannel(connected.channel, connected.options, dependencies, channel);
    const rendering = sender.render(action);
    await sender.close();
    if (rendering.outcome !== 'rendered') {
      return { ...about, outcome: rendering.outcome, reason: rendering.reason, to: null, content: null };
    }
    const { address, content, missing = [] } = rendering.message;
    return {
      ...about,
      outcome: 'rendered',
      reason: null,
      to: address?.value ?? null,
      content: content as unknown as JsonObject,
      missing,
    };
  } catch (error) {
    // A secret that is not set here, most likely: the others are shown none the less.
    const reason = `the channel cannot be opened here: ${describeError(error)}`;
    return { ...about, outcome: 'failed', reason, to: null, content: null };
  }
}

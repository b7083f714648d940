// Where questions to a worker come in: over the socket of its data folder, over the management API, from other workers.
//
// Owns: what of that there is, and its end. Does not own: answering (answer-thread.ts, engine-questions.ts).

import type { FastifyInstance } from 'fastify';
import type { InappOptions } from '../../connectors/channels/inapp/options.ts';
import { channelNames, channelOf } from '../../connectors/channels/index.ts';
import { HttpClient } from '../../connectors/http/http-client.ts';
import type { Clock } from '../../lib/clock.ts';
import { describeError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { newSecret } from '../../lib/rng.ts';
import { consentTerms } from '../../services/config/consent.ts';
import type { Config } from '../../services/config/index.ts';
import { linksOf } from '../../services/job/links.ts';
import type { OpenedLog } from '../../services/job/open-log.ts';
import { type OpenedSocket, openSocket } from '../../services/live/socket-server.ts';
import type { AskAddress } from '../../topology/engine/group/notes.ts';
import { commandsTopic, feedbackTopic, inboxTopic, publicTopics } from '../../topology/topics.ts';
import { ApiKeys } from '../http/api/api-keys.ts';
import { addDeviceRoutes } from '../http/api/devices.ts';
import { addReviewRoutes } from '../http/api/reviews.ts';
import { addApiRoutes } from '../http/api/routes.ts';
import { CommandWriter } from '../http/command-writer.ts';
import { addConsentApi } from '../http/consent/api.ts';
import { addConsentRoutes } from '../http/consent/routes.ts';
import { saidBy } from '../http/consent/said-by.ts';
import { addFeedbackRoutes } from '../http/feedback/routes.ts';
import { addSlackRoutes } from '../http/feedback/slack.ts';
import { inboxReader } from '../http/inapp/inbox-reader.ts';
import { addInboxRoutes } from '../http/inapp/routes.ts';
import { InboxStreams } from '../http/inapp/streams.ts';
import { UserTokens } from '../http/inapp/user-token.ts';
import { WriteKeys } from '../http/ingest/write-keys.ts';
import { addInternalRoutes } from '../http/internal-routes.ts';
import { AnswerThread } from './answer-thread.ts';
import { EngineQuestions } from './engine-questions.ts';
import type { WorkerIdentity } from './identity.ts';

export interface QuestionDeskOptions {
  readonly config: Config;
  readonly opened: OpenedLog;
  /** Null: the log has no groups, and there are no other workers. */
  readonly identity: WorkerIdentity | null;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Of the rules, that people can choose. */
  readonly categories: () => readonly string[];
}

/** Slack waits three seconds for the answer to a press, in which its message is replaced. */
const SLACK_MS_MAX = 1_500;
/** All addresses of the machine, none of which another machine could use as it stands. */
const WILDCARDS = new Set(['0.0.0.0', '[::]']);

export class QuestionDesk {
  /** What the engine threads are asked through. */
  readonly engines: EngineQuestions;
  readonly #options: QuestionDeskOptions;
  readonly #answers: AnswerThread;
  /** Of this life of the process. */
  readonly #token = newSecret();
  /** Of what is told of people over HTTP. */
  readonly #writer: CommandWriter;
  #socket: OpenedSocket | null = null;

  private constructor(options: QuestionDeskOptions) {
    const { config, opened, identity, clock, logger } = options;
    this.#options = options;
    this.engines = new EngineQuestions(config.threads, clock);
    const process = identity?.name ?? null;
    const { application } = config;
    this.#writer = new CommandWriter({ log: opened.log, application, worker: process, clock, logger });
    this.#answers = new AnswerThread({ config, opened, live: this.engines, process, clock, logger });
  }

  /** Without a socket a worker works all the same: commands then read its log themselves, as far as they can. */
  static async open(options: QuestionDeskOptions): Promise<QuestionDesk> {
    const { config, clock, logger } = options;
    const { dataDir, application } = config;
    const desk = new QuestionDesk(options);
    try {
      desk.#socket = await openSocket({ dataDir, application, answers: desk.#answers, clock });
    } catch (error) {
      logger.warn({ error: describeError(error) }, 'commands cannot ask this worker: no socket could be opened');
    }
    return desk;
  }

  readonly addRoutes = (app: FastifyInstance): void => {
    const { config, identity, clock } = this.#options;
    const http = config.http!;
    const answers = this.#answers;
    const writeKeys = new WriteKeys(http.writeKeys);
    const keys = new ApiKeys(http.keys, writeKeys, clock);
    addApiRoutes(app, { keys, answers });
    addReviewRoutes(app, { keys, answers });
    this.#addPeopleRoutes(app, keys, writeKeys);
    if (identity === null) return;
    addInternalRoutes(app, { token: this.#token, application: config.application, answers });
  };

  /** What people's own browsers and apps ask, and tell of them. */
  #addPeopleRoutes(app: FastifyInstance, keys: ApiKeys, writeKeys: WriteKeys): void {
    const { config, opened, clock, logger } = this.#options;
    const { application, channels } = config;
    const writer = this.#writer;
    const inapp = channels['inapp'] as InappOptions | undefined;
    const tokens = inapp === undefined ? null : new UserTokens(inapp.secret, clock);
    const topics = publicTopics(config.topics.prefix);
    addConsentApi(app, { writeKeys, writer, topic: topics.consentChanges, clock });
    this.#addLinkRoutes(app, topics.consentChanges);
    this.#addSlackRoutes(app);
    addDeviceRoutes(app, { keys, writeKeys, tokens, writer, topic: commandsTopic(application), clock });
    if (tokens === null) return;
    const topic = inboxTopic(application);
    const partitions = (): Promise<number> => writer.partitions(topic);
    const read = inboxReader({ live: this.engines, answers: this.#answers, partitions, clock });
    const streams = new InboxStreams({ log: opened.log, topic, read, clock, logger });
    addInboxRoutes(app, { tokens, read, streams, writer, topic, clock });
  }

  /** What links in messages lead to, and what providers tell of them. */
  #addLinkRoutes(app: FastifyInstance, consentChanges: string): void {
    const { config, clock, logger } = this.#options;
    const { application, channels, consent, http } = config;
    const links = linksOf(config);
    if (links === null) return;
    const writer = this.#writer;
    const of = channelNames(channels).filter((name) => channelOf(name, channels[name])?.traits.asksConsent === true);
    addConsentRoutes(app, {
      writer,
      topic: consentChanges,
      links,
      clock,
      categories: this.#options.categories,
      channels: of.filter((name) => channels[name] !== undefined),
      terms: consentTerms(consent),
      confirmWithinMs: consent.doubleOptIn?.withinMs ?? 0,
      saidBy: (entity) => saidBy(this.#answers, entity),
    });
    const tokens = Object.values(channels).map((options) => (options as { readonly authToken?: string }).authToken);
    addFeedbackRoutes(app, {
      writer,
      topic: feedbackTopic(application),
      publicUrl: http!.publicUrl!,
      links,
      clock,
      logger,
      twilioTokens: tokens.filter((token) => token !== undefined),
      sendgridKey: http!.feedback.sendgrid?.publicKey ?? null,
      sesTopics: http!.feedback.ses?.topicArns ?? [],
    });
  }

  /** What people press in Slack. */
  #addSlackRoutes(app: FastifyInstance): void {
    const { config, clock, logger } = this.#options;
    if (config.reviews === null) return;
    const { channel, signingSecret } = config.reviews.slack;
    const { allowPrivate = false } = config.channels[channel] as { readonly allowPrivate?: boolean };
    const client = new HttpClient({ clock, allowPrivate, timeoutMs: SLACK_MS_MAX });
    app.addHook('onClose', () => client.close());
    const topic = commandsTopic(config.application);
    addSlackRoutes(app, { signingSecret, writer: this.#writer, topic, client, clock, logger });
  }

  /** Where other workers ask this one, which serves HTTP at `url` (null: nowhere). Null: they cannot. */
  address(url: string | null): AskAddress | null {
    const { config, identity, logger } = this.#options;
    if (identity === null) return null;
    const reached = advertisedUrl(config.http?.advertise, url);
    if (reached !== null) return { url: reached, token: this.#token };
    const text =
      'other workers cannot ask this one for its entities: set http, and http.advertise to how they reach it';
    logger.info({}, text);
    return null;
  }

  /** Ends what is being answered. */
  async close(): Promise<void> {
    await this.#writer.close();
    await this.#socket?.close();
    await this.#answers.close();
  }
}

/** `advertise`: `host:port` of the configuration; `url`: where HTTP is served, null: nowhere. Null: nobody can be told. */
export function advertisedUrl(advertise: string | undefined, url: string | null): string | null {
  if (url === null) return null;
  if (advertise !== undefined) return `http://${advertise}`;
  const { hostname, origin } = new URL(url);
  return WILDCARDS.has(hostname) ? null : origin;
}

// The shape of tripline.yaml: every field, its default and what it is for. docs/configuration.md is made from it.
//
// Owns: names, types, defaults, descriptions. Does not own: reading files (load.ts), the program's view (config.ts),
// the fields of a channel (its definition in connectors/channels) and of `kafka` (connectors/logs/kafka/config.ts).
//
// `secret` marks what is never printed.

import Type from 'typebox';
import { withCommon } from '../../connectors/channels/common-options.ts';
import { allowPrivateOption } from '../../connectors/channels/http/options.ts';
import { CHANNELS, type ChannelOptions } from '../../connectors/channels/index.ts';
import { KafkaConfigSchema } from '../../connectors/logs/kafka/config.ts';
import type { Urgency } from '../../rules/gates/urgency.ts';
import { ROUTING } from '../../rules/gates/urgency.ts';
import { ROLES } from '../keys/keys.ts';
import { TelemetrySchema } from '../telemetry/options.ts';
import { ConsentSchema } from './consent.ts';

const duration = (byDefault: string, description: string) =>
  Type.String({ format: 'duration', default: byDefault, description });
const dayOrInstant = (byDefault: string, description: string) =>
  Type.String({ format: 'day-or-instant', default: byDefault, description });
const path = (description: string) => Type.String({ minLength: 1, description });
const secret = (description: string) => Type.String({ secret: true, minLength: 1, description });
const count = (byDefault: number, minimum: number, description: string) =>
  Type.Integer({ minimum, default: byDefault, description });
const strict = { additionalProperties: false };

const retention = (byDefault: string, description: string) =>
  Type.String({
    pattern: '^(forever|(\\d+(\\.\\d+)?(ms|s|m|h|d|w))+)$',
    examples: ['30d', 'forever'],
    default: byDefault,
    description,
  });
const codec = (byDefault: string, description: string) =>
  Type.Enum(['none', 'gzip', 'lz4', 'zstd'], { default: byDefault, description });

const route = (urgency: Urgency) =>
  Type.Array(Type.String({ minLength: 1 }), {
    default: [...ROUTING.channels[urgency]],
    description: `Channels of ${urgency} messages`,
  });
const validity = (byDefault: string) =>
  Type.String({
    pattern: '^(forever|(\\d+(\\.\\d+)?(ms|s|m|h|d|w))+)$',
    examples: ['24h', 'forever'],
    default: byDefault,
    description: 'A duration, or `forever`',
  });

const Topics = Type.Object(
  {
    prefix: Type.String({
      pattern: '^[A-Za-z0-9_-][A-Za-z0-9._-]{0,60}$',
      default: 'tripline',
      description:
        'Of the topics that others read, as in `tripline.decisions`. Another than `tripline` is also put before ' +
        '`actions.<channel>`: two applications on one cluster need one each, or each sends what the other decided',
    }),
    replicationFactor: Type.Optional(
      Type.Integer({ minimum: 1, description: 'Replicas of topics that are made; left out: as the cluster has it' }),
    ),
    minInSyncReplicas: Type.Optional(
      Type.Integer({ minimum: 1, description: 'Replicas that must have a record; left out: as the cluster has it' }),
    ),
    retention: Type.Object(
      {
        public: retention('30d', 'Decisions, actions, deliveries, late events'),
        deadLetter: retention('90d', 'Dead letters'),
        internal: retention('14d', 'Journal and repartition topic; longer than any stop of the workers'),
      },
      { ...strict, default: {}, description: 'How long records are kept after they were written, or `forever`' },
    ),
    compression: Type.Object(
      {
        public: codec('gzip', 'Of topics that others read or that events are taken into; kafkajs reads gzip and none'),
        internal: codec('lz4', "Of the application's own topics"),
      },
      { ...strict, default: {}, description: 'How records are packed in Kafka' },
    ),
  },
  { ...strict, default: {}, description: 'Topics that Tripline writes' },
);

const Group = Type.Object(
  {
    instanceId: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9._-]{1,100}$',
        examples: ['worker-1'],
        description:
          'Name of this worker, its own among all: a stop is then not told to the group, which keeps its tasks for it until ' +
          'the session times out. Left out: a name is made and kept in `dataDir`, and a stop hands over at once',
      }),
    ),
    sessionTimeout: duration('10s', 'A worker that is silent for so long has lost its tasks'),
    protocol: Type.Enum(['classic', 'consumer'], {
      default: 'classic',
      description: 'consumer: KIP-848, where brokers deal out partitions; without standbys and warm-up',
    }),
  },
  { ...strict, default: {}, description: 'Workers of one application on Kafka' },
);

const Source = Type.Object(
  {
    topic: Type.String({ pattern: '^[A-Za-z0-9._-]{1,249}$', examples: ['events.shop'], description: 'Topic' }),
    format: Type.Enum(['segment', 'json', 'cloudevents', 'avro'], { default: 'segment', description: 'Format' }),
    keyed: Type.Boolean({ default: false, description: 'The record key is already the entity id' }),
    entity: Type.Optional(Type.String({ minLength: 1, description: 'Entity type the events are about' })),
    id: Type.Optional(Type.String({ minLength: 1, description: 'Path to the id of the entity' })),
    event: Type.Optional(Type.String({ minLength: 1, description: 'Path to the name of the event' })),
    timestamp: Type.Optional(Type.String({ minLength: 1, description: 'Path to the event time' })),
    messageId: Type.Optional(Type.String({ minLength: 1, description: 'Path to the id of the event' })),
  },
  strict,
);

const hookPath = (description: string) =>
  Type.String({
    pattern: '^(=.+|header:[A-Za-z0-9-]+|[^.\\s:=][^.\\s]*(\\.[^.\\s]+)*)$',
    examples: ['data.object.customer', 'header:x-github-event', '=order'],
    description,
  });

const Hook = Type.Object(
  {
    scheme: Type.Enum(['standard-webhooks', 'stripe', 'github', 'shopify'], { description: 'How calls are signed' }),
    secret: secret('Of the provider'),
    topic: Type.Optional(Type.String({ minLength: 1, description: 'One of `sources`, with format segment' })),
    userId: hookPath('Where the id of the person stands'),
    event: Type.Optional(hookPath('Where the name of the event stands')),
    timestamp: Type.Optional(hookPath('Where the time of the event stands; left out: the time of receipt')),
    messageId: Type.Optional(hookPath('Where the id of the event stands')),
    properties: Type.Optional(hookPath('Where the properties of the event stand; left out: the body')),
  },
  strict,
);

const Http = Type.Object(
  {
    host: Type.String({ minLength: 1, default: '127.0.0.1', description: 'Address to listen on' }),
    port: Type.Integer({ minimum: 0, maximum: 65_535, default: 8080, description: 'Port; 0 takes a free one' }),
    writeKeys: Type.Array(secret('Key'), {
      secret: true,
      default: [],
      description: 'Keys that may send events; none: no events are taken',
    }),
    publicUrl: Type.Optional(
      Type.String({
        pattern: '^https?://[^/?#]+(/[^?#]*[^/?#])?$',
        examples: ['https://messages.example.com'],
        description:
          'Where the world reaches this API, without a slash at its end: unsubscribing, preferences, opens, clicks and callbacks of ' +
          'providers; left out: none of these',
      }),
    ),
    linkSecret: Type.Optional(
      Type.String({
        secret: true,
        minLength: 16,
        description:
          'Signs links in messages; on an embedded log one is made and kept in `dataDir`, on Kafka it is needed with `publicUrl`',
      }),
    ),
    feedback: Type.Object(
      {
        ses: Type.Optional(
          Type.Object(
            {
              topicArns: Type.Array(Type.String({ minLength: 1 }), {
                minItems: 1,
                examples: [['arn:aws:sns:eu-central-1:123456789012:mail']],
                description: 'Topics of SNS that tell of mail',
              }),
            },
            { ...strict, description: 'Amazon SES over SNS, at `/feedback/ses`' },
          ),
        ),
        sendgrid: Type.Optional(
          Type.Object(
            {
              publicKey: Type.String({
                minLength: 1,
                description: 'Verification key of the event webhook, as SendGrid shows it',
              }),
            },
            { ...strict, description: 'SendGrid, at `/feedback/sendgrid`' },
          ),
        ),
      },
      {
        ...strict,
        default: {},
        description: 'Who may tell what became of messages; Twilio is believed by `channels.sms.authToken`',
      },
    ),
    advertise: Type.Optional(
      Type.String({
        pattern: '^([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\]):[0-9]{1,5}$',
        examples: ['worker-1.internal:8080'],
        description:
          'On Kafka, where other workers reach this one, as `host:port`, to ask it for entities that it has; left out: `host` ' +
          'and `port`, unless `host` is all addresses of the machine',
      }),
    ),
    keys: Type.Array(
      Type.Object(
        {
          name: Type.String({ minLength: 1 }),
          hash: Type.String({
            secret: true,
            pattern: '^sha256:[0-9a-f]{64}$',
            examples: ['sha256:… (64 hex digits)'],
            description: 'Hash of the key, made by `tripline keys create`',
          }),
          roles: Type.Array(Type.Enum([...ROLES]), { minItems: 1 }),
          expires: Type.Optional(Type.String({ format: 'instant', description: 'Until when the key is good' })),
        },
        strict,
      ),
      { secret: true, default: [], description: 'API keys, made by `tripline keys create`' },
    ),
    cors: Type.Object(
      {
        origins: Type.Array(
          Type.String({ pattern: '^(\\*|https?://[^/\\s]+)$', examples: ['*', 'https://shop.example'] }),
          {
            default: ['*'],
            description:
              'Web pages that may send events, by their origin; `*`: all, for the write keys of browsers are public. None: no ' +
              'page may',
          },
        ),
      },
      { ...strict, default: {}, description: 'Of the routes that take events; no other may be called from web pages' },
    ),
    hooks: Type.Record(Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,62}$' }), Hook, {
      secret: true,
      default: {},
      description:
        'Inbound webhooks by name, at `/v1/hooks/NAME`, such as `stripe: { scheme: stripe, secret: …, userId: data.object.customer }`; ' +
        'docs/ingest.md has the fields',
    }),
    limits: Type.Object(
      {
        perKey: count(20_000, 1, 'Requests a second with one write key; more are answered 429'),
        perAddress: count(10_000, 1, 'Requests a second from one address; more are answered 429'),
      },
      { ...strict, default: {}, description: 'Of the routes that take events' },
    ),
    trustProxy: Type.Array(
      Type.String({
        pattern: '^(loopback|linklocal|uniquelocal|[0-9A-Fa-f.:]+(/[0-9]{1,3})?)$',
        examples: ['10.0.0.0/8', 'loopback'],
      }),
      {
        default: [],
        description:
          'Proxies, by address, network, or `loopback`, `linklocal`, `uniquelocal`, that are believed where a request comes ' +
          'from (X-Forwarded-For); none: the address of the connection counts',
      },
    ),
  },
  { ...strict, description: 'Ingest and management API, health, metrics; left out: no HTTP' },
);

const Channels = Type.Object(
  Object.fromEntries(
    CHANNELS.flatMap(({ id, connector }) =>
      connector === null ? [] : [[id, Type.Optional(withCommon(connector.options))]],
    ),
  ),
  {
    // Further ones by names of their own; load.ts checks them by their type.
    additionalProperties: Type.Object({ type: Type.String() }, { additionalProperties: true }),
    default: {},
    description:
      'Connectors of this process; further ones by a name of their own with a `type`, such as ' +
      '`partner: { type: webhook, url: … }`, which rules then send to by that name',
  },
);

const Entity = Type.Object(
  { id: Type.String({ minLength: 1, description: 'Path to the id in the event, such as properties.deviceId' }) },
  strict,
);

export const ConfigSchema = Type.Object(
  {
    application: Type.String({
      pattern: '^[A-Za-z0-9._-]{1,100}$',
      examples: ['shop'],
      default: 'tripline',
      description: 'Consumer group, transactional ids and internal topics start with it',
    }),
    dataDir: Type.String({ minLength: 1, default: './data', description: 'State, and the embedded log' }),
    kafka: Type.Optional(KafkaConfigSchema),
    group: Group,
    topics: Topics,
    log: Type.Object(
      {
        fsync: Type.String({
          pattern: '^(commit|never|(\\d+(\\.\\d+)?(ms|s|m|h|d|w))+)$',
          examples: ['commit', 'never', '1s'],
          default: 'commit',
          description:
            'When the embedded log is forced to disk: each `commit`, `never`, or as often as a duration says',
        }),
        partitions: count(4, 1, 'Partitions of the source topics that Tripline creates in the embedded log'),
      },
      { ...strict, default: {}, description: 'Embedded log' },
    ),
    registry: Type.Optional(
      Type.Object(
        {
          url: Type.String({
            pattern: '^https?://',
            examples: ['http://127.0.0.1:8081'],
            description: 'Its Confluent-compatible API, such as `http://127.0.0.1:8081`',
          }),
          auth: Type.Optional(
            Type.Object(
              {
                username: Type.String({ minLength: 1, description: 'User, or the name of an API key' }),
                password: secret('Password, or the secret of an API key'),
              },
              { ...strict, description: 'Log-in (Basic)' },
            ),
          ),
          allowPrivate: allowPrivateOption(),
          startTimeout: duration('60s', 'How long a start waits for a registry that does not answer'),
        },
        { ...strict, description: 'Schema registry; left out: schemas from disk, records still framed' },
      ),
    ),
    threads: Type.Integer({ minimum: 1, maximum: 256, default: 1, description: 'Engine threads of this process' }),
    guarantee: Type.Enum(['exactly_once', 'at_least_once'], {
      default: 'exactly_once',
      description:
        'Processing guarantee. `at_least_once` (on Kafka) writes without transactions: sooner seen, but after a crash ' +
        'decisions and actions may come twice',
    }),
    commitInterval: Type.Object(
      {
        min: duration('5ms', 'When little is waiting'),
        max: duration('100ms', 'Under load'),
      },
      { ...strict, default: {}, description: 'Time between commits' },
    ),
    standbyReplicas: count(0, 0, 'Copies of the state kept warm on other workers'),
    outOfOrderness: duration('5s', 'How late an event may be and still be taken in order'),
    maxClockSkew: duration('5m', 'Events stamped further in the future are quarantined'),
    eventTime: Type.Object(
      {
        min: dayOrInstant('2000-01-01', 'No event is older; a time before it is most often in seconds'),
        max: dayOrInstant('2100-01-01', 'No event is later; a time after it is most often in microseconds'),
      },
      {
        ...strict,
        default: {},
        description: 'Times that an event can have; with any other it is refused or dead-lettered',
      },
    ),
    dedupeWindow: duration('24h', 'How long a messageId is remembered'),
    dedupeMax: count(1_000, 0, 'How many messageIds of an entity are remembered'),
    limits: Type.Object(
      { recordBytes: count(1_048_576, 1_024, 'Largest input record, bytes; larger ones are dead-lettered') },
      { ...strict, default: {}, description: 'Bounds' },
    ),
    entities: Type.Record(Type.String({ pattern: '^[a-z][A-Za-z0-9_-]*$' }), Entity, {
      default: {},
      description: 'What rules may be about besides `user`: `device: { id: properties.deviceId }`',
    }),
    sources: Type.Array(Source, { default: [], description: 'Where events come from; empty: `events.<application>`' }),
    rules: Type.String({ minLength: 1, default: './rules', description: 'Folder of rules' }),
    segments: Type.Optional(path('Folder of segments')),
    models: Type.Optional(path('Folder of models')),
    templates: Type.Optional(path('Folder of templates')),
    caps: Type.Optional(path('File of caps')),
    holdouts: Type.Optional(path('File of hold-outs')),
    consent: ConsentSchema,
    deliveredElsewhere: Type.Array(Type.String({ minLength: 1 }), {
      default: [],
      examples: [['sms']],
      description:
        'Channels whose actions another program reads: they are written as ever, and count as reaching everybody. A rule that ' +
        'sends to a channel that is neither here nor under `channels` is an error at start',
    }),
    routing: Type.Object(
      {
        critical: route('critical'),
        operational: route('operational'),
        marketing: route('marketing'),
      },
      { ...strict, default: {}, description: 'Channels of `channel: auto` by urgency, in order; those that there are' },
    ),
    presenceWindow: duration(
      '5m',
      'Who did something in an app or on a page within it is there: `auto` then takes `inapp` first, and no push',
    ),
    validFor: Type.Object(
      {
        critical: validity('forever'),
        operational: validity('4h'),
        marketing: validity('24h'),
      },
      {
        ...strict,
        default: {},
        description:
          'By urgency, how old a decision or a message not begun may be: older ones are suppressed (`stale`) or `expired`, so ' +
          'that imported history or a long outage mails nobody about last month. A duration, or `forever`',
      },
    ),
    mode: Type.Enum(['live', 'sandbox'], {
      default: 'live',
      description: 'sandbox: every message is rendered and recorded as skipped, and none is sent',
    }),
    fallbackAfter: duration(
      '15m',
      'How long a channel is tried while its route has a further one; then that is taken. Each channel may say otherwise',
    ),
    archive: Type.String({
      pattern: '^(off|(\\d+(\\.\\d+)?(ms|s|m|h|d|w))+)$',
      examples: ['30d', 'off'],
      default: '30d',
      description: 'How long what was sent is kept word by word, for `tripline deliveries --show`; off: not at all',
    }),
    alerts: Type.Optional(
      Type.Object(
        { channel: Type.String({ minLength: 1, description: 'Channel, by its name under `channels`' }) },
        {
          ...strict,
          description:
            'Who is told when a channel is disabled, and when a message without a further channel could not be delivered; ' +
            'left out: nobody',
        },
      ),
    ),
    reviews: Type.Optional(
      Type.Object(
        {
          slack: Type.Object(
            {
              channel: Type.String({
                minLength: 1,
                default: 'slack',
                description: 'Channel of type slack, by its name under `channels`',
              }),
              signingSecret: Type.String({
                secret: true,
                minLength: 1,
                description: "Signing secret of the Slack app, whose interactivity URL is this one's `/feedback/slack`",
              }),
            },
            { ...strict, description: 'A message with buttons for whatever waits for a person' },
          ),
        },
        { ...strict, description: 'Who is told what waits for a person; left out: nobody' },
      ),
    ),
    channels: Channels,
    http: Type.Optional(Http),
    telemetry: TelemetrySchema,
  },
  strict,
);

/** The file's values, defaults filled in, before durations and paths are worked out. */
export type ConfigFile = Omit<Type.Static<typeof ConfigSchema>, 'channels'> & { readonly channels: ChannelOptions };

// The shape of tripline.yaml: every field, its default and what it is for. docs/configuration.md is made from it.
//
// Owns: names, types, defaults, descriptions. Does not own: reading files (load.ts), the program's view (config.ts),
// the fields of a channel (its connector's options.ts).
//
// `secret` marks what is never printed.

import Type from 'typebox';
import { EmailOptionsSchema } from '../../connectors/email/options.ts';
import { WebhookOptionsSchema } from '../../connectors/webhook/options.ts';

const duration = (byDefault: string, description: string) =>
  Type.String({ format: 'duration', default: byDefault, description });
const path = (description: string) => Type.String({ minLength: 1, description });
const secret = (description: string) => Type.String({ secret: true, minLength: 1, description });
const count = (byDefault: number, minimum: number, description: string) =>
  Type.Integer({ minimum, default: byDefault, description });
const strict = { additionalProperties: false };

const Kafka = Type.Object(
  {
    brokers: Type.Array(Type.String({ minLength: 1 }), { minItems: 1, description: 'Brokers as host:port' }),
    tls: Type.Optional(
      Type.Object(
        {
          ca: Type.Optional(path('Certificate authority, PEM')),
          cert: Type.Optional(path('Client certificate, PEM')),
          key: Type.Optional(path('Key of the client certificate, PEM')),
        },
        { ...strict, description: 'Encryption' },
      ),
    ),
    sasl: Type.Optional(
      Type.Object(
        {
          mechanism: Type.Enum(['plain', 'scram-sha-256', 'scram-sha-512'], { description: 'How to log in' }),
          username: Type.String({ minLength: 1, description: 'User' }),
          password: secret('Password'),
        },
        { ...strict, description: 'Log-in' },
      ),
    ),
  },
  { ...strict, description: 'Left out: the embedded log in `dataDir`' },
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

const Http = Type.Object(
  {
    host: Type.String({ minLength: 1, default: '127.0.0.1', description: 'Address to listen on' }),
    port: Type.Integer({ minimum: 0, maximum: 65_535, default: 8080, description: 'Port; 0 takes a free one' }),
    writeKeys: Type.Array(secret('Key'), { secret: true, default: [], description: 'Keys that may send events' }),
    keys: Type.Array(
      Type.Object(
        {
          name: Type.String({ minLength: 1 }),
          hash: secret('Hash of the key, made by `tripline keys create`'),
          roles: Type.Array(Type.Enum(['viewer', 'editor', 'approver', 'admin']), { minItems: 1 }),
        },
        strict,
      ),
      { secret: true, default: [], description: 'API keys, made by `tripline keys create`' },
    ),
  },
  { ...strict, description: 'Ingest and management API; left out: no HTTP' },
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
    kafka: Type.Optional(Kafka),
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
        { url: Type.String({ pattern: '^https?://', examples: ['http://127.0.0.1:8081'], description: 'Its URL' }) },
        { ...strict, description: 'Schema registry; left out: schemas from disk, records still framed' },
      ),
    ),
    threads: Type.Integer({ minimum: 1, maximum: 256, default: 1, description: 'Engine threads of this process' }),
    guarantee: Type.Enum(['exactly_once', 'at_least_once'], {
      default: 'exactly_once',
      description: 'Processing guarantee',
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
    consent: Type.Object(
      {
        optIn: Type.Array(Type.String({ minLength: 1 }), {
          default: [],
          description: 'Categories for which a person must have said yes; the others are allowed until they say no',
        }),
      },
      { ...strict, default: {}, description: 'Consent' },
    ),
    channels: Type.Object(
      { email: Type.Optional(EmailOptionsSchema), webhook: Type.Optional(WebhookOptionsSchema) },
      { ...strict, default: {}, description: 'Connectors of this process' },
    ),
    http: Type.Optional(Http),
  },
  strict,
);

/** The file's values, defaults filled in, before durations and paths are worked out. */
export type ConfigFile = Type.Static<typeof ConfigSchema>;

// The part `kafka` of tripline.yaml: where the cluster is, certificates, log-in.
//
// Owns: its fields and what the schema cannot say of them. Does not own: what becomes of them (credentials.ts); it imports
// nothing of the library, so that commands without a cluster start fast.

import Type from 'typebox';
import type { SchemaFinding } from '../../../lib/schema-check.ts';

const text = (description: string) => Type.String({ minLength: 1, description });
const secret = (description: string) => Type.String({ secret: true, minLength: 1, description });
const strict = { additionalProperties: false };

const TlsSchema = Type.Object(
  {
    ca: Type.Optional(text('Certificate authorities, PEM file; left out: those of the system')),
    cert: Type.Optional(text('Client certificate with its chain, PEM file')),
    key: Type.Optional(text('Key of the client certificate, PEM file')),
    passphrase: Type.Optional(secret('Passphrase of the key')),
  },
  { ...strict, description: 'Encryption; `{}` trusts the authorities of the system' },
);

const SaslSchema = Type.Object(
  {
    mechanism: Type.Enum(['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'], { description: 'How to log in' }),
    username: Type.Optional(text('User (plain, scram)')),
    password: Type.Optional(secret('Password (plain, scram)')),
    token: Type.Optional(secret('A token that does not expire while the process runs (oauthbearer)')),
    tokenPath: Type.Optional(text('File with the token, read at each log-in (oauthbearer)')),
    tokenUrl: Type.Optional(
      Type.String({
        pattern: '^https?://',
        examples: ['https://login.example.com/oauth2/token'],
        description: 'Token endpoint for the client credentials grant (oauthbearer)',
      }),
    ),
    clientId: Type.Optional(text('Client at the token endpoint')),
    clientSecret: Type.Optional(secret('Its secret')),
    scope: Type.Optional(text('Scopes to ask for, separated by spaces')),
    extensions: Type.Optional(
      Type.Record(Type.String({ pattern: '^[A-Za-z]+$' }), Type.String(), {
        description: 'Extensions of the log-in, such as `logicalCluster` (oauthbearer)',
      }),
    ),
  },
  { ...strict, description: 'Log-in' },
);

export const KafkaConfigSchema = Type.Object(
  {
    brokers: Type.Array(text('Broker'), { minItems: 1, description: 'Brokers as host:port' }),
    tls: Type.Optional(TlsSchema),
    sasl: Type.Optional(SaslSchema),
  },
  { ...strict, description: 'Left out: the embedded log in `dataDir`' },
);

export type KafkaConfig = Type.Static<typeof KafkaConfigSchema>;
type SaslConfig = NonNullable<KafkaConfig['sasl']>;

/** The settings that are files: relative paths are taken from the configuration's folder. */
export const KAFKA_FILES = {
  tls: ['ca', 'cert', 'key'],
  sasl: ['tokenPath'],
} as const;

/** Which of a mechanism's settings go together: one group of each list, whole, and nothing else. */
const LOGINS: Readonly<Record<SaslConfig['mechanism'], readonly (readonly (keyof SaslConfig)[])[]>> = {
  plain: [['username', 'password']],
  'scram-sha-256': [['username', 'password']],
  'scram-sha-512': [['username', 'password']],
  oauthbearer: [['token'], ['tokenPath'], ['tokenUrl', 'clientId', 'clientSecret']],
};
const BESIDE: readonly (keyof SaslConfig)[] = ['mechanism', 'extensions', 'scope'];

/** What the schema cannot say; paths begin within `kafka`. */
export function checkKafkaConfig({ tls, sasl }: KafkaConfig): readonly SchemaFinding[] {
  const findings: SchemaFinding[] = [];
  const wrong = (path: readonly string[], message: string): void => {
    findings.push({ path, part: 'value', message, hint: null });
  };
  if (tls !== undefined && (tls.cert === undefined) !== (tls.key === undefined)) {
    wrong(['tls'], '"cert" and "key" go together');
  }
  if (sasl === undefined) return findings;
  const groups = LOGINS[sasl.mechanism];
  const given = (Object.keys(sasl) as (keyof SaslConfig)[]).filter((name) => !BESIDE.includes(name));
  const fits = groups.some((group) => group.length === given.length && group.every((name) => given.includes(name)));
  if (!fits) {
    const choices = groups.map((group) => group.map((name) => `"${name}"`).join(', ')).join('; or ');
    wrong(['sasl'], `${sasl.mechanism} needs ${choices}, and nothing else`);
  }
  return findings;
}

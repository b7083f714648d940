// The options of the push channel: `channels.push` in tripline.yaml.

import { createECDH, createPrivateKey } from 'node:crypto';
import Type from 'typebox';
import { isText, textOf } from '../../../lib/path-or-text.ts';
import { isPrivateKey } from '../../../lib/private-key.ts';
import type { SchemaFinding } from '../../../lib/schema-check.ts';
import { isPrivateHost } from '../../http/private-address.ts';

const strict = { additionalProperties: false };
const text = (description: string) => Type.String({ minLength: 1, description });
/** A path or the text itself; a path may stand in the file, though what it leads to is a secret. */
const file = (description: string, secret: boolean) =>
  Type.String({ secret, pathOrText: true, minLength: 1, description });
const url = (byDefault: string, description: string) =>
  Type.String({ pattern: '^https?://', default: byDefault, examples: [byDefault], description });
const allowPrivate = Type.Boolean({ default: false, description: 'Allow private addresses, such as 127.0.0.1' });

export const PushOptionsSchema = Type.Object(
  {
    fcm: Type.Optional(
      Type.Object(
        {
          serviceAccount: file("Service account's key in JSON: a file, or the text itself", true),
          url: url('https://fcm.googleapis.com', 'Base of the API'),
          allowPrivate,
        },
        { ...strict, description: "Google's Firebase Cloud Messaging: Android, and iOS without `apns`" },
      ),
    ),
    apns: Type.Optional(
      Type.Object(
        {
          key: file('Signing key (.p8, PEM): a file, or the text itself', true),
          keyId: text('Id of the key'),
          teamId: text('Id of the team'),
          topic: text("The app's bundle id"),
          url: url(
            'https://api.push.apple.com',
            'Base of the API; `https://api.sandbox.push.apple.com` for development',
          ),
          ca: Type.Optional(
            file('Certificates to trust besides the usual ones, PEM: a file, or the text itself', false),
          ),
          allowPrivate,
        },
        { ...strict, description: "Apple's push service: iOS" },
      ),
    ),
    web: Type.Optional(
      Type.Object(
        {
          subject: Type.String({
            pattern: '^(mailto:|https://)',
            examples: ['mailto:ops@shop.test'],
            description: 'Whom push services may write to',
          }),
          publicKey: Type.String({
            pattern: '^[A-Za-z0-9_-]{87}=?$',
            description: 'VAPID public key, base64url: what browsers subscribe with',
          }),
          privateKey: Type.String({
            secret: true,
            pattern: '^[A-Za-z0-9_-]{43}=?$',
            description: 'VAPID private key, base64url',
          }),
          allowPrivate,
        },
        { ...strict, description: 'Web Push: browsers' },
      ),
    ),
    concurrency: Type.Integer({
      minimum: 1,
      maximum: 1_000,
      default: 32,
      description: 'Messages under way at a time, for each partition; each goes to all devices of the person',
    }),
  },
  { ...strict, description: 'Push; left out: no connector here' },
);

export type PushOptions = Type.Static<typeof PushOptionsSchema>;
export type FcmOptions = NonNullable<PushOptions['fcm']>;
export type ApnsOptions = NonNullable<PushOptions['apns']>;
export type WebOptions = NonNullable<PushOptions['web']>;

/** What is used of a service account's key. */
export interface ServiceAccount {
  readonly projectId: string;
  readonly clientEmail: string;
  readonly privateKey: string;
  readonly privateKeyId: string | undefined;
  readonly tokenUri: string;
}

const GOOGLE_TOKEN_URI = 'https://oauth2.googleapis.com/token';

/** Null: it is none. */
export function serviceAccountOf(json: string): ServiceAccount | null {
  let parsed: Readonly<Record<string, unknown>> | null;
  try {
    parsed = JSON.parse(json);
  } catch {
    return null;
  }
  const { project_id, client_email, private_key, private_key_id, token_uri = GOOGLE_TOKEN_URI } = parsed ?? {};
  const names = [project_id, client_email, private_key, token_uri];
  if (!names.every((name) => typeof name === 'string' && name !== '')) return null;
  if (!isPrivateKey(private_key as string) || URL.parse(token_uri as string) === null) return null;
  return {
    projectId: project_id as string,
    clientEmail: client_email as string,
    privateKey: private_key as string,
    privateKeyId: typeof private_key_id === 'string' ? private_key_id : undefined,
    tokenUri: token_uri as string,
  };
}

/** What the schema cannot say; what is in files is seen when the channel opens (checkFiles). */
export function checkMeaning({ fcm, apns, web }: PushOptions): SchemaFinding[] {
  const findings: SchemaFinding[] = [];
  const wrong = (path: readonly string[], message: string, hint: string | null = null): void => {
    findings.push({ path, part: 'value', message, hint });
  };
  if (fcm === undefined && apns === undefined && web === undefined) {
    wrong([], 'push has no provider', 'set one or more of `fcm`, `apns`, `web`');
  }
  for (const [name, options] of Object.entries({ fcm, apns })) {
    if (options === undefined) continue;
    const parsed = URL.parse(options.url);
    if (parsed === null) wrong([name, 'url'], `"${name}.url" is not a URL`);
    else if (!options.allowPrivate && isPrivateHost(parsed.hostname)) {
      wrong(
        [name, 'url'],
        `"${name}.url" is a private address`,
        `public ones only, unless \`${name}.allowPrivate: true\``,
      );
    }
  }
  if (fcm !== undefined && isText(fcm.serviceAccount) && serviceAccountOf(fcm.serviceAccount) === null) {
    wrong(['fcm', 'serviceAccount'], NO_SERVICE_ACCOUNT);
  }
  if (apns !== undefined && isText(apns.key) && !isSigningKey(apns.key)) wrong(['apns', 'key'], NO_SIGNING_KEY);
  if (web !== undefined && !isKeyPair(web)) {
    wrong(['web', 'privateKey'], '"web.privateKey" is not the private key of "web.publicKey"');
  }
  return findings;
}

export const NO_SERVICE_ACCOUNT =
  '"fcm.serviceAccount" is no key of a service account: JSON with project_id, client_email and private_key';
export const NO_SIGNING_KEY = '"apns.key" is no private key in PEM on the curve P-256, as Apple gives it in a .p8 file';

/** With the texts of files in their places. Throws FatalError TRG_CONFIG_INVALID for a file that cannot be read. */
export function readFiles(options: PushOptions): PushOptions {
  const { fcm, apns } = options;
  return {
    ...options,
    ...(fcm !== undefined && {
      fcm: { ...fcm, serviceAccount: textOf('push.fcm.serviceAccount', fcm.serviceAccount) },
    }),
    ...(apns !== undefined && {
      apns: {
        ...apns,
        key: textOf('push.apns.key', apns.key),
        ...(apns.ca !== undefined && { ca: textOf('push.apns.ca', apns.ca) }),
      },
    }),
  };
}

export function isSigningKey(pem: string): boolean {
  try {
    const { asymmetricKeyType, asymmetricKeyDetails } = createPrivateKey(pem);
    return asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === 'prime256v1';
  } catch {
    return false;
  }
}

/** The VAPID keys as a JSON Web Key. */
export function vapidJwk({ publicKey, privateKey }: Pick<WebOptions, 'publicKey' | 'privateKey'>) {
  const point = Buffer.from(publicKey, 'base64url');
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((part) => part.toString('base64url'));
  return { kty: 'EC', crv: 'P-256', x: x!, y: y!, d: Buffer.from(privateKey, 'base64url').toString('base64url') };
}

function isKeyPair(web: WebOptions): boolean {
  try {
    const derived = createECDH('prime256v1');
    derived.setPrivateKey(web.privateKey, 'base64url');
    return derived.getPublicKey().equals(Buffer.from(web.publicKey, 'base64url'));
  } catch {
    return false;
  }
}

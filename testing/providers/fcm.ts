// A stand-in for Firebase Cloud Messaging (HTTP v1) and for Google's token endpoint, on this machine.
//
// It checks what Google checks: the assertion's signature, audience and scope, and the access token of each message.

import { generateKeyPairSync } from 'node:crypto';
import { importSPKI, jwtVerify } from 'jose';
import { type HttpRequest, type Listening, listen, type PushAnswer, respond } from './push-server.ts';

export interface FcmMessage {
  readonly token: string;
  readonly notification?: Readonly<Record<string, string>>;
  readonly data?: Readonly<Record<string, string>>;
  readonly android?: Readonly<Record<string, unknown>>;
  readonly apns?: Readonly<Record<string, unknown>>;
  readonly webpush?: Readonly<Record<string, unknown>>;
}

export interface FcmStandIn extends Listening {
  /** Text of a service account's key whose `token_uri` is this server: for `push.fcm.serviceAccount`. */
  readonly serviceAccount: string;
  /** Those that came with a good access token, in order, whatever was answered. */
  readonly messages: readonly FcmMessage[];
  /** Access tokens that were given. */
  readonly tokens: readonly string[];
  /** From now on none of the tokens given is good. */
  revokeTokens(): void;
}

export interface FcmOptions {
  readonly port?: number;
  /** Left out: every message is taken. */
  readonly answer?: (message: FcmMessage) => PushAnswer;
  /** How the token endpoint answers; left out: with a token for a good assertion. */
  readonly answerToken?: () => PushAnswer | undefined;
}

const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging';
const PROJECT = 'stand-in';
const EMAIL = 'push@stand-in.iam.gserviceaccount.com';

/** FCM's JSON of an error, as its documentation shows it. */
export function fcmError(status: number, name: string, code: string | null, message = 'refused'): PushAnswer {
  const type = 'type.googleapis.com/google.firebase.fcm.v1.FcmError';
  const details = code === null ? [] : [{ '@type': type, errorCode: code }];
  return { status, body: { error: { code: status, message, status: name, details } } };
}

export async function startFcm({ port, answer, answerToken }: FcmOptions = {}): Promise<FcmStandIn> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2_048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const key = await importSPKI(publicKey, 'RS256');
  const messages: FcmMessage[] = [];
  const tokens: string[] = [];
  const good = new Set<string>();

  async function tokenFor({ body }: HttpRequest, audience: string): Promise<PushAnswer> {
    const form = new URLSearchParams(body.toString('utf8'));
    try {
      const { payload } = await jwtVerify(form.get('assertion') ?? '', key, { audience, issuer: EMAIL });
      if (payload['scope'] !== SCOPE) return { status: 400, body: { error: 'invalid_scope' } };
    } catch {
      return { status: 400, body: { error: 'invalid_grant', error_description: 'Invalid JWT Signature.' } };
    }
    const token = `ya29.${tokens.length}`;
    tokens.push(token);
    good.add(token);
    return { status: 200, body: { access_token: token, expires_in: 3_599, token_type: 'Bearer' } };
  }

  function messageFor({ headers, body }: HttpRequest): PushAnswer {
    const token = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
    if (token === undefined || !good.has(token)) return fcmError(401, 'UNAUTHENTICATED', null);
    const { message } = JSON.parse(body.toString('utf8')) as { readonly message: FcmMessage };
    messages.push(message);
    return answer?.(message) ?? taken(messages.length);
  }

  const server: Listening = await listen(async (request, response) => {
    if (request.path === '/token') {
      respond(response, answerToken?.() ?? (await tokenFor(request, `${server.url}/token`)));
    } else if (request.path === `/v1/projects/${PROJECT}/messages:send`) {
      const given = messageFor(request);
      // A stand-in that takes it says so as FCM does.
      const isBare = typeof given === 'object' && given.status === 200 && given.body === undefined;
      respond(response, isBare ? taken(messages.length) : given);
    } else {
      respond(response, { status: 404 });
    }
  }, port);
  const account = {
    type: 'service_account',
    project_id: PROJECT,
    private_key_id: 'k1',
    private_key: privateKey,
    client_email: EMAIL,
    token_uri: `${server.url}/token`,
  };
  return { ...server, serviceAccount: JSON.stringify(account), messages, tokens, revokeTokens: () => good.clear() };
}

function taken(number: number): PushAnswer {
  return { status: 200, body: { name: `projects/${PROJECT}/messages/${number}` } };
}

// Options that all channels with a URL share.

import Type from 'typebox';
import type { SchemaFinding } from '../../../lib/schema-check.ts';
import { isPrivateHost } from '../../http/private-address.ts';

interface UrlOption {
  readonly description: string;
  readonly example: string;
  readonly default?: string;
}

export function urlOption({ description, example, ...rest }: UrlOption) {
  return Type.String({ pattern: '^https?://', examples: [example], description, ...rest });
}

export const allowPrivateOption = () =>
  Type.Boolean({ default: false, description: 'Allow private addresses, such as 127.0.0.1' });

export const concurrencyOption = (byDefault: number) =>
  Type.Integer({
    minimum: 1,
    maximum: 1_000,
    default: byDefault,
    description: 'Requests under way at a time, for each partition',
  });

/** OAuth 2.0, client credentials. */
export const oauthOption = () =>
  Type.Object(
    {
      tokenUrl: urlOption({ description: 'Token endpoint', example: 'https://login.example.com/oauth/token' }),
      clientId: Type.String({ minLength: 1, description: 'Client at the token endpoint' }),
      clientSecret: Type.String({ secret: true, minLength: 1, description: 'Its secret' }),
      scope: Type.Optional(Type.String({ minLength: 1, description: 'Scopes to ask for, separated by spaces' })),
      audience: Type.Optional(
        Type.String({ minLength: 1, description: 'Whom the token is for, where the provider wants to be told' }),
      ),
    },
    { additionalProperties: false, description: 'OAuth 2.0 client credentials: requests carry a token' },
  );

interface GivenUrl {
  readonly path: readonly string[];
  readonly url: string;
  readonly allowPrivate: boolean;
  /** Where a user and password belong. */
  readonly instead?: string;
}

/** What the schema cannot say of a URL. */
export function checkUrl({ path, url: text, allowPrivate, instead }: GivenUrl): SchemaFinding[] {
  const finding = (message: string, hint: string | null): SchemaFinding => ({
    path,
    part: 'value',
    message: `"${path.join('.')}" ${message}`,
    hint,
  });
  const url = URL.parse(text);
  if (url === null) return [finding('is not a URL', null)];
  const findings: SchemaFinding[] = [];
  if (url.username !== '' || url.password !== '') {
    findings.push(finding('holds a user or password', instead === undefined ? null : `use \`${instead}\``));
  }
  if (!allowPrivate && isPrivateHost(url.hostname)) {
    findings.push(finding('is a private address', 'public ones only, unless `allowPrivate: true`'));
  }
  return findings;
}

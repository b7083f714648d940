// A token endpoint of OAuth 2.0 for the client credentials grant (RFC 6749, 4.4), with a resource that wants its tokens.

import { type HttpProvider, type ProviderAnswer, type ProviderRequest, startHttpProvider } from './http-provider.ts';

export interface TokenEndpoint extends HttpProvider {
  readonly tokenUrl: string;
  /** The form of each request for a token. */
  readonly asked: readonly URLSearchParams[];
  /** No token given so far is good any more. */
  revoke(): void;
  /** Whether the `authorization` header carries a token that is good. */
  accepts(header: string | undefined): boolean;
}

export interface TokenEndpointOptions {
  readonly clientId: string;
  readonly clientSecret: string;
  /** Left out: an answer without it. */
  readonly expiresInSeconds?: number;
}

export async function startTokenEndpoint(options: TokenEndpointOptions): Promise<TokenEndpoint> {
  const { clientId, clientSecret, expiresInSeconds } = options;
  const asked: URLSearchParams[] = [];
  let good = new Set<string>();
  const handle = ({ path, headers, body }: ProviderRequest): ProviderAnswer => {
    if (path !== '/oauth/token') return { status: 404 };
    const form = new URLSearchParams(body);
    asked.push(form);
    const [id, secret] = credentialsOf(headers.authorization);
    if (id !== clientId || secret !== clientSecret) return { status: 401, body: { error: 'invalid_client' } };
    if (form.get('grant_type') !== 'client_credentials') {
      return { status: 400, body: { error: 'unsupported_grant_type' } };
    }
    const token = `token-${asked.length}`;
    good.add(token);
    const expiry = expiresInSeconds === undefined ? {} : { expires_in: expiresInSeconds };
    return { status: 200, body: { access_token: token, token_type: 'Bearer', ...expiry } };
  };
  const provider = await startHttpProvider(handle);
  return {
    ...provider,
    tokenUrl: `${provider.url}/oauth/token`,
    asked,
    revoke: () => {
      good = new Set();
    },
    accepts: (header) => header?.startsWith('Bearer ') === true && good.has(header.slice('Bearer '.length)),
  };
}

/** RFC 6749, 2.3.1: both are form-encoded before they are put together. */
function credentialsOf(header = ''): readonly string[] {
  const text = Buffer.from(header.replace(/^Basic /, ''), 'base64').toString('utf8');
  return text.split(':').map(decodeURIComponent);
}

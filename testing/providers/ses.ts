// Amazon SES's API v2 on this machine, for trying rules that send mail by it: channels.email.ses.endpoint is its address.
//
// Owns: SendEmail with a raw message, its errors by name (https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html),
// the access key. Does not own: checking signatures, templates, sending anything to anybody.

import { type HttpProvider, type ProviderAnswer, type ProviderRequest, startHttpProvider } from './http-provider.ts';

export interface SesMessage {
  readonly id: string;
  readonly to: readonly string[];
  /** MIME. */
  readonly raw: string;
  readonly configurationSet: string | null;
  readonly tags: Readonly<Record<string, string>>;
}

export interface Ses extends HttpProvider {
  readonly messages: readonly SesMessage[];
  /** The account's sending is paused, or suspended for good. */
  state: 'sending' | 'paused' | 'suspended';
}

export interface SesOptions {
  readonly accessKeyId?: string;
  /** Those that are there; left out: none is asked for by name. */
  readonly configurationSets?: readonly string[];
  readonly port?: number;
}

/** The quota of a raw message, before it is encoded. */
const MESSAGE_BYTES_MAX = 40 * 1024 * 1024;

interface SendEmail {
  readonly Content?: { readonly Raw?: { readonly Data?: string } };
  readonly Destination?: { readonly ToAddresses?: readonly string[] };
  readonly ConfigurationSetName?: string;
  readonly EmailTags?: readonly { readonly Name: string; readonly Value: string }[];
}

export async function startSes(options: SesOptions = {}): Promise<Ses> {
  const { accessKeyId = 'AKIATEST', configurationSets = [], port = 0 } = options;
  const messages: SesMessage[] = [];

  const handle = ({ method, path, headers, body }: ProviderRequest): ProviderAnswer => {
    const isSigned = headers.authorization?.startsWith(`AWS4-HMAC-SHA256 Credential=${accessKeyId}/`);
    if (!isSigned) return sesError(403, 'UnrecognizedClientException', 'The security token is invalid.');
    if (method !== 'POST' || path !== '/v2/email/outbound-emails') return sesError(404, 'NotFoundException');
    if (ses.state === 'paused') return sesError(400, 'SendingPausedException');
    if (ses.state === 'suspended') return sesError(400, 'AccountSuspendedException');
    const { Content, Destination, ConfigurationSetName = null, EmailTags = [] } = JSON.parse(body) as SendEmail;
    const data = Content?.Raw?.Data;
    if (data === undefined) return sesError(400, 'BadRequestException', 'This stand-in takes raw messages.');
    if (ConfigurationSetName !== null && !configurationSets.includes(ConfigurationSetName)) {
      return sesError(404, 'NotFoundException', 'Configuration set does not exist.');
    }
    const raw = Buffer.from(data, 'base64');
    if (raw.length > MESSAGE_BYTES_MAX) return sesError(400, 'MessageRejected', 'Message is too long.');
    const id = `0100${String(messages.length + 1).padStart(12, '0')}-00000000-0000-0000-0000-000000000000-000000`;
    const tags = Object.fromEntries(EmailTags.map(({ Name, Value }) => [Name, Value]));
    const to = Destination?.ToAddresses ?? [];
    messages.push({ id, to, raw: raw.toString('utf8'), configurationSet: ConfigurationSetName, tags });
    return { status: 200, body: { MessageId: id } };
  };

  const ses: Ses = { ...(await startHttpProvider(handle, port)), messages, state: 'sending' };
  return ses;
}

/** As SES names an error, for HttpProvider.next too. */
export function sesError(status: number, name: string, message = ''): ProviderAnswer {
  return { status, headers: { 'x-amzn-errortype': name }, body: { message } };
}

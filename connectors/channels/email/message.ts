// The email of an action: whom it goes to and what is in it.
//
// Owns: recipient, subject, bodies, headers. Does not own: sending (smtp.ts, ses.ts).
//
// Invariants:
//   M1. Whatever profile and data hold, the message has one recipient and only the headers named here.
//   M2. The Message-ID is a function of action and sender: a message sent twice is recognised as one.

import type { SendMailOptions } from 'nodemailer';
import { RecordError } from '../../../lib/errors.ts';
import type { Action } from '../../../schemas/action.ts';
import { addressId } from '../../../schemas/address.ts';
import { type MessageReference, referenceOf } from '../../../schemas/message-reference.ts';
import type { ChannelDependencies } from '../channel.ts';
import type { Outgoing, Rendering } from '../delivery/sender.ts';
import type { Links } from '../links/links.ts';
import { trackedHtml } from '../links/tracked-html.ts';
import { compileLiquid, type LiquidScope, type LiquidText } from '../templates/liquid.ts';
import { type Templates, templateScope } from '../templates/templates.ts';
import { isAddress } from './address.ts';
import type { EmailOptions } from './options.ts';
import { plainText } from './plain-text.ts';

/** What RFC 6376 recommends, and both headers of RFC 8058, which requires them signed. */
const SIGNED_HEADERS = [
  'From',
  'Reply-To',
  'Subject',
  'Date',
  'To',
  'Message-ID',
  'MIME-Version',
  'Content-Type',
  'Content-Transfer-Encoding',
  'List-Unsubscribe',
  'List-Unsubscribe-Post',
].join(':');

/** What a person receives, as it is archived. */
export interface EmailContent {
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  /** Null: the text alone. */
  readonly html: string | null;
  /** Beside those that every mail has. */
  readonly headers: Readonly<Record<string, string>>;
}

export type ComposerParts = Pick<ChannelDependencies, 'templates' | 'links' | 'publicUrl' | 'always'>;

export class EmailComposer {
  readonly #from: string;
  readonly #templates: Templates;
  readonly #to: LiquidText | null;
  readonly #subject: LiquidText | null;
  readonly #unsubscribeUrl: LiquidText | null;
  readonly #links: Links | null;
  readonly #publicUrl: string | null;
  readonly #always: ReadonlySet<string>;
  readonly #tracking: EmailOptions['tracking'];

  constructor(options: EmailOptions, { templates, links, publicUrl, always }: ComposerParts) {
    const compile = (text: string | undefined): LiquidText | null =>
      text === undefined ? null : compileLiquid(text, 'none');
    this.#from = options.from;
    this.#templates = templates;
    this.#links = links;
    this.#publicUrl = publicUrl;
    this.#always = always;
    this.#tracking = options.tracking;
    this.#to = compile(options.to);
    this.#subject = compile(options.subject);
    this.#unsubscribeUrl = compile(options.unsubscribeUrl);
  }

  /** Throws RecordError TRG_TEMPLATE_FAILED. */
  compose(action: Action): Rendering<EmailContent> {
    const scope = templateScope(action);
    const address = this.#addressOf(action, scope);
    if (!isAddress(address)) return { outcome: 'skipped', reason: 'no-address' };
    const reference = referenceOf(action, addressId({ kind: 'email', value: address }));
    const unsubscribeUrl = this.#unsubscribes(action) ? (this.#links?.urlOf('u', reference) ?? null) : null;
    const preferencesUrl = this.#links?.urlOf('preferences', reference) ?? null;
    const { fields, body, isHtml } = this.#templates.render(action, { unsubscribeUrl, preferencesUrl });
    return {
      outcome: 'rendered',
      message: {
        address: { kind: 'email', value: address },
        content: {
          from: this.#from,
          to: address,
          subject: fields.subject || this.#defaultSubject(action, scope),
          text: isHtml ? plainText(body) : body,
          html: isHtml ? this.#tracked(body, reference) : null,
          headers: this.#unsubscribeHeaders(scope, unsubscribeUrl),
        },
      },
    };
  }

  /** Empty when there is none. */
  #addressOf(action: Action, scope: LiquidScope): string {
    const profile = action.context['profile'] as { email?: unknown } | undefined;
    const known = profile?.email;
    if (known !== undefined && known !== null && known !== '') return String(known).trim();
    return this.#to?.render(scope).trim() ?? '';
  }

  #defaultSubject(action: Action, scope: LiquidScope): string {
    const subject = this.#subject
      ?.render(scope)
      .replaceAll(/[\s\p{Cc}]+/gu, ' ')
      .trim();
    if (subject) return subject;
    throw new RecordError(
      'TRG_TEMPLATE_FAILED',
      `template ${action.template}/email.liquid has no subject, and channels.email no default`,
    );
  }

  /** What the law or security obliges us to say cannot be unsubscribed from. */
  #unsubscribes({ category }: Action): boolean {
    return category === null || !this.#always.has(category);
  }

  #tracked(html: string, reference: MessageReference): string {
    const [links, publicUrl] = [this.#links, this.#publicUrl];
    if (links === null || publicUrl === null) return html;
    const { opens, clicks } = this.#tracking;
    return trackedHtml(html, {
      clickUrl: clicks ? (url) => links.urlOf('c', reference, url) : null,
      openUrl: opens ? links.urlOf('o', reference) : null,
      publicUrl,
    });
  }

  /** RFC 8058; `ours`: our own page, where the configuration names none. */
  #unsubscribeHeaders(scope: LiquidScope, ours: string | null): Record<string, string> {
    const given = this.#unsubscribeUrl?.render(scope).trim() ?? ours;
    if (given === null) return {};
    const url = URL.parse(given);
    if (url === null || !/^https?:$/.test(url.protocol)) {
      throw new RecordError('TRG_TEMPLATE_FAILED', 'channels.email.unsubscribeUrl does not give a web address');
    }
    return { 'List-Unsubscribe': `<${url.href}>`, 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' };
  }
}

/** `host`: of the sender's address. */
export function mailOf(
  { action, message: { content } }: Outgoing<EmailContent>,
  host: string,
  sentAt: Date,
): SendMailOptions {
  const { from, to, subject, text, html, headers } = content;
  return {
    messageId: `<${action.id}@${host}>`,
    date: sentAt,
    from,
    // As an object, so that nothing in it is read as a list of addresses (M1).
    to: { name: '', address: to },
    subject,
    text,
    ...(html !== null && { html }),
    headers: { ...headers },
    // Templates may hold what people typed: nothing in a message makes us read a file or a URL.
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

/** What a transport of nodemailer signs messages with. */
export function dkimOf({ dkim }: EmailOptions) {
  if (dkim === undefined) return {};
  const { domain, selector, privateKey } = dkim;
  return { dkim: { domainName: domain, keySelector: selector, privateKey, headerFieldNames: SIGNED_HEADERS } };
}

// Where people say no, or what they want: one-click unsubscribing, the preference page, and confirming what was asked for.
//
// Owns: the links' pages, and the record of each change. Does not own: what consent does (rules/gates/consent.ts, the delivery
// guard), `POST /v1/consent` (../ingest/routes.ts).
//
// Invariants:
//   P1. GET changes nothing, since scanners follow links (RFC 8058); POST acts, and is answered once the record is durable.
//   P2. Each change is a record with source, time and the text that was shown: the proof. Of what was confirmed it has both times.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Link, LinkKind, Links } from '../../../connectors/channels/links/links.ts';
import type { Clock } from '../../../lib/clock.ts';
import type { ConsentTerms } from '../../../rules/gates/consent.ts';
import { type ConsentChange, encodeConsentChange } from '../../../schemas/consent-change.ts';
import type { ConsentRequest } from '../../../schemas/consent-request.ts';
import { channelConsent, EVERY_CATEGORY } from '../../../schemas/consent-wish.ts';
import type { MessageReference } from '../../../schemas/message-reference.ts';
import type { CommandWriter } from '../command-writer.ts';
import {
  type Choice,
  confirmedPage,
  confirmPage,
  confirmText,
  donePage,
  expiredPage,
  preferencesPage,
  unknownLinkPage,
  unsubscribePage,
} from './pages.ts';

/** `isPending`: there is a yes that is still to be confirmed, and so is not allowed. */
export interface SaidSoFar {
  readonly isAllowed: boolean;
  readonly isPending: boolean;
}

/** What a person said so far: about `*`, a category, or `channel:<name>`; undefined: nothing. */
export type SaidBy = (entity: MessageReference['entity']) => Promise<(about: string) => SaidSoFar | undefined>;

export interface ConsentRoutesOptions {
  readonly writer: CommandWriter;
  /** tripline.consent-changes. */
  readonly topic: string;
  readonly links: Links;
  readonly clock: Clock;
  /** Categories that people can choose: those of the rules, but for `consent.always`. */
  readonly categories: () => readonly string[];
  /** Channels that ask consent. */
  readonly channels: readonly string[];
  readonly terms: ConsentTerms;
  /** How long a link to confirm is good. */
  readonly confirmWithinMs: number;
  readonly saidBy: SaidBy;
}

/** What was said before, of who said nothing, or where nobody can tell. */
const UNKNOWN = (): undefined => undefined;

/** Pages are for people. */
const HIDDEN = { schema: { hide: true }, bodyLimit: 64 * 1024 };
const PAGE_HEADERS = {
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
};

export function addConsentRoutes(app: FastifyInstance, options: ConsentRoutesOptions): void {
  const { links, writer, topic, clock, terms } = options;

  type Linked = FastifyRequest<{ Params: { token: string } }>;
  const linkOf = (kind: LinkKind, request: Linked): Link | null => links.read(kind, request.params.token);
  const preferencesOf = ({ reference }: Link): string => links.urlOf('preferences', reference);
  const record = (userId: string, said: Partial<ConsentChange>): Promise<void> => {
    const change: ConsentChange = { userId, ...said, timestamp: new Date(clock.now()).toISOString() };
    return writer.append(topic, userId, encodeConsentChange(change));
  };

  app.get('/u/:token', HIDDEN, async (request: Linked, reply) => {
    const link = linkOf('u', request);
    if (link === null) return shown(reply, unknownLinkPage(), 404);
    return shown(reply, unsubscribePage(link.reference.category, request.url, preferencesOf(link)));
  });

  app.post('/u/:token', HIDDEN, async (request: Linked, reply) => {
    const link = linkOf('u', request);
    if (link === null) return shown(reply, unknownLinkPage(), 404);
    const { category, entity } = link.reference;
    const said = category === null ? { all: false } : { categories: { [category]: false } };
    await record(entity.id, {
      ...said,
      source: 'one-click unsubscribe',
      text: `Unsubscribe (${category ?? 'everything'})`,
    });
    return shown(reply, donePage(category, preferencesOf(link)));
  });

  app.get('/preferences/:token', HIDDEN, async (request: Linked, reply) => {
    const link = linkOf('preferences', request);
    if (link === null) return shown(reply, unknownLinkPage(), 404);
    return shown(reply, await preferences(link, request.url, false));
  });

  app.post('/preferences/:token', HIDDEN, async (request: Linked, reply) => {
    const link = linkOf('preferences', request);
    if (link === null) return shown(reply, unknownLinkPage(), 404);
    const form = new URLSearchParams(Buffer.isBuffer(request.body) ? request.body.toString('utf8') : '');
    const { id } = link.reference.entity;
    const stopsAll = form.get('save') === 'none';
    const on = (kind: string) => (name: string) => [name, form.has(`${kind}:${name}`)] as const;
    const said = stopsAll
      ? { all: false }
      : {
          all: true,
          categories: Object.fromEntries(options.categories().map(on('category'))),
          channels: Object.fromEntries(options.channels.map(on('channel'))),
        };
    // What is said is recorded, whether or not anybody knows what was said before, which the page alone wants.
    const asked = terms.doubleOptIn.size === 0 ? UNKNOWN : options.saidBy(link.reference.entity).catch(() => UNKNOWN);
    await record(id, { ...said, source: 'preference page', text: 'What would you like to receive?' });
    const before = await asked;
    const isStopped = before(EVERY_CATEGORY)?.isAllowed === false;
    const chosen = (about: string): SaidSoFar => {
      if (about === EVERY_CATEGORY) return { isAllowed: !stopsAll, isPending: false };
      const isOn = about.startsWith(channelConsent('')) ? form.has(about) : form.has(`category:${about}`);
      const isKnown = !terms.doubleOptIn.has(about) || (before(about)?.isAllowed === true && !isStopped);
      return { isAllowed: isOn && isKnown, isPending: isOn && !isKnown };
    };
    return shown(reply, preferencesPage({ ...choices(chosen), action: request.url, isSaved: true }));
  });

  app.get('/confirm/:token', HIDDEN, async (request: Linked, reply) => {
    const found = links.readConfirmation(request.params.token);
    if (found === null) return shown(reply, unknownLinkPage(), 404);
    if (isTooOld(found)) return shown(reply, expiredPage(), 410);
    return shown(reply, confirmPage(namesOf(found), request.url));
  });

  app.post('/confirm/:token', HIDDEN, async (request: Linked, reply) => {
    const found = links.readConfirmation(request.params.token);
    if (found === null) return shown(reply, unknownLinkPage(), 404);
    if (isTooOld(found)) return shown(reply, expiredPage(), 410);
    const { userId, categories, channels, at } = found;
    await record(userId, {
      ...(categories.length > 0 && { categories: allAllowed(categories) }),
      ...(channels.length > 0 && { channels: allAllowed(channels) }),
      requestedAt: new Date(at).toISOString(),
      source: 'confirmation link',
      text: confirmText(namesOf(found)),
    });
    return shown(reply, confirmedPage(namesOf(found)));
  });

  function isTooOld({ at }: ConsentRequest): boolean {
    return clock.now() > at + options.confirmWithinMs;
  }

  async function preferences(link: Link, action: string, isSaved: boolean): Promise<string> {
    return preferencesPage({ ...choices(await options.saidBy(link.reference.entity)), action, isSaved });
  }

  function choices(said: (about: string) => SaidSoFar | undefined): {
    readonly categories: readonly Choice[];
    readonly channels: readonly Choice[];
  } {
    const all = said(EVERY_CATEGORY)?.isAllowed !== false;
    const choice = (name: string, about: string, byDefault: boolean): Choice => {
      const { isAllowed, isPending } = said(about) ?? { isAllowed: byDefault, isPending: false };
      return { name, label: name, isOn: all && (isAllowed || isPending), isPending: all && isPending };
    };
    const { optIn, doubleOptIn } = terms;
    return {
      categories: options.categories().map((name) => choice(name, name, !optIn.has(name) && !doubleOptIn.has(name))),
      channels: options.channels.map((name) => {
        const about = channelConsent(name);
        return choice(name, about, !doubleOptIn.has(about));
      }),
    };
  }
}

function namesOf({ categories, channels }: ConsentRequest): readonly string[] {
  return [...categories, ...channels.map((name) => `messages by ${name}`)];
}

function allAllowed(names: readonly string[]): Readonly<Record<string, boolean>> {
  return Object.fromEntries(names.map((name) => [name, true]));
}

function shown(reply: FastifyReply, html: string, status = 200): FastifyReply {
  return reply.code(status).headers(PAGE_HEADERS).type('text/html; charset=utf-8').send(html);
}

// `consent` of the configuration: its fields, and what in it would have no effect.
//
// Owns: both. Does not own: what consent does (rules/gates/consent.ts), what an event says (processors/intake/consent-events.ts).

import Type, { type Static } from 'typebox';
import { type ChannelOptions, channelNames, channelTraits } from '../../connectors/channels/index.ts';
import type { SchemaFinding } from '../../lib/schema-check.ts';
import { didYouMean } from '../../lib/suggest.ts';
import type { Path } from '../../lib/yaml-source.ts';
import type { ConsentEvent, ConsentTarget } from '../../processors/intake/consent-events.ts';
import type { ConsentTerms } from '../../rules/gates/consent.ts';
import { channelConsent } from '../../schemas/consent-wish.ts';
import { isInternal } from '../../schemas/internal-events.ts';

const strict = { additionalProperties: false };
const name = (description: string) => Type.String({ minLength: 1, description });

const TARGET = {
  category: Type.Optional(name('A category')),
  channel: Type.Optional(name('A channel, whatever the category')),
  all: Type.Optional(Type.Literal(true, { description: 'Every channel that asks consent, and every category' })),
};

const ConsentEventSchema = Type.Object(
  {
    event: name('Name of a `track` event'),
    ...TARGET,
    allowed: Type.Optional(Type.Boolean({ description: 'Whether the event is a yes or a no' })),
    preferences: Type.Optional(
      Type.Record(Type.String({ minLength: 1 }), Type.Object(TARGET, strict), { minProperties: 1 }),
    ),
    path: Type.Optional(
      Type.String({ pattern: '^(context|properties|traits)(\\.[^.\\s]+)*$', examples: ['properties.choices'] }),
    ),
  },
  strict,
);

export const ConsentSchema = Type.Object(
  {
    optIn: Type.Array(Type.String({ minLength: 1 }), {
      default: [],
      description: 'Categories for which a person must have said yes; the others are allowed until they say no',
    }),
    always: Type.Array(Type.String({ minLength: 1 }), {
      default: [],
      examples: [['security', 'receipts']],
      description:
        'Categories that ask nobody, not even who said no to everything: what the law or security obliges you to say',
    }),
    doubleOptIn: Type.Optional(
      Type.Object(
        {
          categories: Type.Array(Type.String({ minLength: 1 }), { default: [], description: 'Categories' }),
          channels: Type.Array(Type.String({ minLength: 1 }), {
            default: [],
            description: 'Channels, whatever the category',
          }),
          within: Type.String({ format: 'duration', default: '7d', description: 'How long the link is good' }),
        },
        {
          ...strict,
          description:
            'What a person must have said yes to and confirmed by a link in a message, which a rule for the event ' +
            '`consent_requested` sends; needs `http.publicUrl`. docs/channels.md, Double opt-in',
        },
      ),
    ),
    events: Type.Array(ConsentEventSchema, {
      default: [],
      description:
        '`track` events that say what a person wants, such as `{ event: Left Newsletter, category: news, allowed: false }` or ' +
        '`{ event: Segment Consent Preference Updated, preferences: { Advertising: { category: promotions } } }`; docs/channels.md ' +
        'has the fields',
    }),
  },
  { ...strict, default: {}, description: 'Consent' },
);

/** What of the configuration it depends on. */
interface Around {
  readonly consent: Static<typeof ConsentSchema>;
  readonly channels: ChannelOptions;
  readonly http?: { readonly publicUrl?: string } | undefined;
  readonly sources: readonly { readonly entity?: string; readonly format: string }[];
}

export interface ConsentConfig {
  readonly optIn: readonly string[];
  readonly always: readonly string[];
  /** Null: a yes is a yes. */
  readonly doubleOptIn: {
    readonly categories: readonly string[];
    readonly channels: readonly string[];
    readonly withinMs: number;
  } | null;
  readonly events: readonly ConsentEvent[];
}

/** Consent as gates and connectors ask for it. */
export function consentTerms({ optIn, always, doubleOptIn }: ConsentConfig): ConsentTerms {
  const { categories = [], channels = [] } = doubleOptIn ?? {};
  const confirmed = [...categories, ...channels.map(channelConsent)];
  return { optIn: new Set(optIn), always: new Set(always), doubleOptIn: new Set(confirmed) };
}

type Wrong = (path: Path, part: 'name' | 'value', message: string, hint?: string | null) => void;

/** What the schema cannot say. */
export function checkConsent(around: Around): SchemaFinding[] {
  const findings: SchemaFinding[] = [];
  const wrong: Wrong = (path, part, message, hint = null) => {
    findings.push({ path: ['consent', ...path], part, message, hint });
  };
  checkDoubleOptIn(around, wrong);
  checkEvents(around, wrong);
  return findings;
}

function checkDoubleOptIn(around: Around, wrong: Wrong): void {
  const { doubleOptIn } = around.consent;
  if (doubleOptIn === undefined) return;
  const { categories, channels } = doubleOptIn;
  if (categories.length + channels.length === 0) {
    wrong(['doubleOptIn'], 'name', 'nothing is to be confirmed', 'name categories or channels, or leave it out');
  }
  if (around.http?.publicUrl === undefined) {
    wrong(['doubleOptIn'], 'name', 'nobody could follow a link to confirm', 'set http.publicUrl');
  }
  for (const [index, each] of categories.entries()) {
    checkCategory(each, ['doubleOptIn', 'categories', index], around, wrong);
  }
  for (const [index, each] of channels.entries()) {
    checkChannel(each, ['doubleOptIn', 'channels', index], around, wrong);
  }
}

function checkEvents(around: Around, wrong: Wrong): void {
  const { consent, sources } = around;
  const { events } = consent;
  const ofPeople = sources.length === 0 || sources.some(tellsOfPeople);
  if (events.length > 0 && !ofPeople) {
    wrong(['events'], 'name', 'no source has events of people, so these say nothing', 'add one with entity user');
  }
  const told = new Set<string>();
  for (const [index, { event, allowed, preferences, path, ...target }] of events.entries()) {
    const at = (...more: Path): Path => ['events', index, ...more];
    if (isInternal(event)) {
      wrong(at('event'), 'value', 'no event that comes from outside has a name that begins with "$"');
    }
    if (preferences === undefined) {
      checkTarget(target, at(), around, wrong);
      if (allowed === undefined)
        wrong(at(), 'value', 'missing field "allowed"', 'true: it is a yes, false: it is a no');
      if (path !== undefined) wrong(at('path'), 'name', '"path" is where `preferences` stand, and there are none');
    } else {
      const [own] = Object.keys({ ...target, ...(allowed !== undefined && { allowed }) });
      if (own !== undefined) {
        wrong(
          at(own),
          'name',
          `"${own}" has no effect beside \`preferences\``,
          'an entry of its own says one thing more',
        );
      }
      for (const [id, each] of Object.entries(preferences)) checkTarget(each, at('preferences', id), around, wrong);
    }
    const means = preferences === undefined ? [target] : Object.entries(preferences);
    const text = JSON.stringify([event, path, means]);
    if (told.has(text)) wrong(at('event'), 'value', `the event "${event}" is to say the same twice`);
    told.add(text);
  }
}

function checkTarget(target: ConsentTarget, at: Path, around: Around, wrong: Wrong): void {
  const parts = Object.keys(target);
  if (parts.length !== 1) {
    wrong(
      at,
      'value',
      `it says ${parts.length === 0 ? 'nothing' : parts.join(' and ')}`,
      'one of category, channel, all',
    );
  }
  if (target.category !== undefined) checkCategory(target.category, [...at, 'category'], around, wrong);
  if (target.channel !== undefined) checkChannel(target.channel, [...at, 'channel'], around, wrong);
}

function checkCategory(category: string, at: Path, { consent }: Around, wrong: Wrong): void {
  if (!consent.always.includes(category)) return;
  wrong(at, 'value', `the category "${category}" asks nobody (consent.always), so this has no effect`);
}

function checkChannel(channel: string, at: Path, { channels }: Around, wrong: Wrong): void {
  const names = channelNames(channels);
  if (!names.includes(channel)) {
    wrong(at, 'value', `there is no channel "${channel}"`, didYouMean(channel, names, `known: ${names.join(', ')}`));
  } else if (channelTraits(channels).get(channel)?.asksConsent === false) {
    wrong(at, 'value', `the channel "${channel}" asks no consent, so this has no effect`);
  }
}

/** Of what is not Segment's, an event of something else says nothing of people (services/job/source-format.ts). */
function tellsOfPeople({ entity = 'user', format }: Around['sources'][number]): boolean {
  return entity === 'user' || format === 'segment';
}

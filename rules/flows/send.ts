// `send`: writes one action, to the first channel of its route.
//
// Owns: channels, templates, and `data`. Does not own: which of its channels are taken (gates, route.ts).

import Type, { type Static } from 'typebox';
import { didYouMean } from '../../lib/suggest.ts';
import type { JsonObject } from '../../schemas/json.ts';
import type { Names } from '../expressions/compiler.ts';
import type { RuleBuilder } from '../expressions/rule-builder.ts';
import type { Condition } from '../expressions/scope.ts';
import type { ChannelTraits } from '../gates/channels.ts';
import { AUTO } from '../gates/routing.ts';
import type { Path } from '../language/parse.ts';
import { expression, fields, type Loose, NAME_PATTERN } from '../language/parts.ts';
import { type CompiledData, compileData } from './data.ts';
import { type CompiledDigest, compileDigest, Digest } from './digest.ts';

/** Connectors add our own facts under this name. */
const RESERVED_DATA_NAME = 'tripline';

export interface ChannelOptions {
  /** All that rules may send to, by name. */
  readonly channels: ReadonlyMap<string, ChannelTraits>;
  /** Channels that somebody delivers, here or elsewhere; left out: that is not known, and not asked. */
  readonly served?: ReadonlySet<string> | undefined;
  /** Whether a channel that nobody delivers is a mistake, as in a worker, or worth a warning. */
  readonly mustBeServed?: boolean | undefined;
  /** Whether there is such a template for the channel; left out: not checked. */
  readonly templates?: ((name: string, channel: string) => boolean) | undefined;
}

export const Send = fields(
  {
    channel: Type.String({
      minLength: 1,
      description: 'Such as email, sms or webhook: any channel that there is; or auto: by urgency and the person.',
    }),
    template: Type.Optional(
      Type.String({
        pattern: NAME_PATTERN,
        description: 'Name of a folder in templates/. Optional for webhook, pagerduty.',
      }),
    ),
    fallback: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        description: 'Channels to take when this one is not allowed, reaches nobody or fails, in order.',
      }),
    ),
    rate: Type.Optional(
      Type.String({
        pattern: '^\\d+(\\.\\d+)?/(s|m|h)$',
        examples: ['100/s', '5000/h'],
        description: 'Pacing: at most so many of these messages a second, minute or hour, over all workers.',
      }),
    ),
    if: Type.Optional(expression('Sent only when this is true.')),
    onSkip: Type.Optional(
      Type.Enum(['continue', 'exit'], {
        description: 'What the flow does where nothing may be sent: goes on (default), or ends.',
      }),
    ),
    digest: Type.Optional(Digest),
    data: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description: 'Values for the template or receiver. Text is a CEL expression, or a duration such as 4h.',
      }),
    ),
  },
  { description: 'Writes one action, to the first channel of its route that is allowed and reaches the person.' },
);

export type SendBody = Loose<Static<typeof Send>>;

export interface CompiledSend {
  /** Position among the rule's steps; 0 for the first. */
  readonly step: number;
  /** Where it may go, in order; of `auto`, none that is known before. */
  readonly channels: readonly string[];
  readonly isAuto: boolean;
  readonly template: string | null;
  /** Pacing over all workers, messages a second; null: none. */
  readonly ratePerSecond: number | null;
  /** Null: each message goes by itself. */
  readonly digest: CompiledDigest | null;
  /** `data` as the rule writes it: expressions, constants. */
  readonly written: JsonObject;
  /** Names of what `data` gives. */
  readonly dataNames: readonly string[];
  /** The rule's names of events that a template may show. */
  readonly captures: readonly string[];
  /** Its own `if`; null: it has none. */
  readonly condition: Condition | null;
  /** The data of the action; a failing value is null and reported. */
  readonly data: CompiledData;
}

/** `path`: where the send stands. */
export function compileSend(
  step: number,
  send: SendBody,
  path: Path,
  names: Names,
  options: ChannelOptions,
  builder: RuleBuilder,
): CompiledSend {
  const channel = send.channel ?? '';
  const fallback = (send.fallback ?? []).filter((name) => name !== undefined);
  if (send.channel !== undefined) checkChannel([...path, 'channel'], channel, send, path, options, builder);
  for (const [index, name] of (send.fallback ?? []).entries()) {
    if (name === undefined) continue;
    const place = [...path, 'fallback', index];
    checkChannel(place, name, send, path, options, builder);
    const isRepeated = name === channel || fallback.indexOf(name) !== fallback.lastIndexOf(name);
    if (isRepeated) builder.error(place, `the channel "${name}" is tried already`);
  }
  const isAuto = channel === AUTO;
  const { digest } = send;
  if (isAuto && fallback.length > 0) {
    builder.error([...path, 'fallback'], '"auto" has its own fallback: the further channels of its route');
  }
  return {
    step,
    channels: isAuto ? [] : [channel, ...fallback],
    isAuto,
    template: send.template ?? null,
    ratePerSecond: send.rate === undefined ? null : perSecondOf(send.rate),
    digest: digest === undefined ? null : compileDigest(digest, [...path, 'digest'], names, builder),
    written: (send.data ?? {}) as JsonObject,
    dataNames: Object.keys(send.data ?? {}),
    captures: names.captures,
    condition: builder.condition([...path, 'if'], send.if, names),
    data: compileSendData(send, path, digest === undefined ? names : { ...names, digest: true }, builder),
  };
}

const SECONDS = { s: 1, m: 60, h: 3_600 } as const;

/** `100/s`, `5000/h`, as checked by the schema. */
function perSecondOf(rate: string): number {
  const [count, unit] = rate.split('/') as [string, keyof typeof SECONDS];
  return Number(count) / SECONDS[unit];
}

function checkChannel(
  place: Path,
  channel: string,
  send: SendBody,
  path: Path,
  options: ChannelOptions,
  builder: RuleBuilder,
): void {
  if (channel === AUTO) {
    if (place.at(-1) !== 'channel') builder.error(place, '"auto" stands as `channel`, and has no place in a fallback');
    return;
  }
  const traits = options.channels.get(channel);
  if (traits === undefined) {
    const known = [...options.channels.keys()];
    builder.error(place, `unknown channel "${channel}"`, didYouMean(channel, known, `known: ${known.join(', ')}`));
    return;
  }
  if (options.served?.has(channel) === false) {
    const message = `nobody is configured to deliver "${channel}"`;
    const hint = `configure channels.${channel}, or say that another program reads its actions: deliveredElsewhere: [${channel}]`;
    if (options.mustBeServed === true) builder.error(place, message, hint);
    else builder.warning(place, message, hint);
  }
  if (send.template === undefined) {
    // A template that was given but had a mistake has been reported.
    if (traits.template === 'needed' && builder.document.node([...path, 'template']) === undefined) {
      builder.error(place, `the channel "${channel}" needs a template`, 'add template: name-of-a-folder-in-templates');
    }
  } else if (options.templates?.(send.template, channel) === false) {
    const file = `templates/${send.template}/${channel}.liquid`;
    builder.error([...path, 'template'], `there is no template "${send.template}" for ${channel}`, `expected ${file}`);
  }
}

function compileSendData(send: SendBody, path: Path, names: Names, builder: RuleBuilder): CompiledData {
  const { [RESERVED_DATA_NAME]: reserved, ...data } = send.data ?? {};
  const place = [...path, 'data'];
  if (reserved !== undefined) {
    builder.error([...place, RESERVED_DATA_NAME], `"${RESERVED_DATA_NAME}" is reserved in data`, 'use another name');
  }
  return compileData(data, place, names, builder);
}

// `send`: writes one action, to the first channel of its route.
//
// Owns: channels, templates, and `data`. Does not own: which of its channels are taken (gates, route.ts).

import Type, { type Static } from 'typebox';
import { parseDuration } from '../../lib/duration.ts';
import { didYouMean } from '../../lib/suggest.ts';
import { isJsonObject, type Json } from '../../schemas/json.ts';
import type { Names } from '../expressions/compiler.ts';
import type { RuleBuilder } from '../expressions/rule-builder.ts';
import type { ExpressionFailed, Scope } from '../expressions/scope.ts';
import { jsonOfValue } from '../expressions/values.ts';
import type { ChannelTraits } from '../gates/channels.ts';
import type { Path } from '../language/parse.ts';
import { fields, type Loose, NAME_PATTERN } from '../language/parts.ts';

/** Connectors add our own facts under this name. */
const RESERVED_DATA_NAME = 'tripline';

export interface ChannelOptions {
  /** All that rules may send to, by name. */
  readonly channels: ReadonlyMap<string, ChannelTraits>;
  /** Whether there is such a template for the channel; left out: not checked. */
  readonly templates?: ((name: string, channel: string) => boolean) | undefined;
}

export const Send = fields(
  {
    channel: Type.String({
      minLength: 1,
      description: 'email, sms, push, inapp, webhook, slack, pagerduty, or a channel of the configuration.',
    }),
    template: Type.Optional(
      Type.String({
        pattern: NAME_PATTERN,
        description: 'Name of a folder in templates/. Optional for webhook, pagerduty.',
      }),
    ),
    fallback: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        description: 'Channels to take when consent and reach do not allow this one, in order.',
      }),
    ),
    data: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description: 'Values for the template or receiver. Text is a CEL expression, or a duration such as 4h.',
      }),
    ),
  },
  { description: 'Writes one action to a channel.' },
);

export type SendBody = Loose<Static<typeof Send>>;

export interface CompiledSend {
  /** Position among the rule's steps; 0 for the first. */
  readonly step: number;
  /** Where it may go, in order. */
  readonly channels: readonly string[];
  readonly template: string | null;
  /** Names of what `data` gives. */
  readonly dataNames: readonly string[];
  /** The rule's names of events that a template may show. */
  readonly captures: readonly string[];
  /** The data of the action; a failing value is null and reported. */
  data(scope: Scope, failed: ExpressionFailed): { readonly [name: string]: Json };
}

/** One value of `data`: a constant, an expression, or a mapping or list of values. */
type DataValue = (scope: Scope, failed: ExpressionFailed) => Json;

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
  const channels = [channel, ...fallback];
  return {
    step,
    channels,
    template: send.template ?? null,
    dataNames: Object.keys(send.data ?? {}),
    captures: names.captures,
    data: compileData(send, path, names, builder),
  };
}

function checkChannel(
  place: Path,
  channel: string,
  send: SendBody,
  path: Path,
  options: ChannelOptions,
  builder: RuleBuilder,
): void {
  if (channel === 'auto') {
    builder.error(place, 'channel "auto" is part of the rule language but not available in this version');
    return;
  }
  const traits = options.channels.get(channel);
  if (traits === undefined) {
    const known = [...options.channels.keys()];
    builder.error(place, `unknown channel "${channel}"`, didYouMean(channel, known, `known: ${known.join(', ')}`));
    return;
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

function compileData(send: SendBody, path: Path, names: Names, builder: RuleBuilder): CompiledSend['data'] {
  const values: [string, DataValue][] = [];
  for (const [name, value] of Object.entries(send.data ?? {})) {
    const place = [...path, 'data', name];
    if (name === RESERVED_DATA_NAME) builder.error(place, `"${name}" is reserved in data`, 'use another name');
    else values.push([name, compileValue(value as Json, place, names, builder)]);
  }
  return (scope, failed) => Object.fromEntries(values.map(([name, value]) => [name, value(scope, failed)]));
}

function compileValue(value: Json, path: Path, names: Names, builder: RuleBuilder): DataValue {
  if (typeof value === 'string') return compileText(value, path, names, builder);
  if (Array.isArray(value)) {
    const items = value.map((item, index) => compileValue(item, [...path, index], names, builder));
    return (scope, failed) => items.map((item) => item(scope, failed));
  }
  if (isJsonObject(value)) {
    const entries = Object.entries(value).map(
      ([name, item]) => [name, compileValue(item, [...path, name], names, builder)] as const,
    );
    return (scope, failed) => Object.fromEntries(entries.map(([name, item]) => [name, item(scope, failed)]));
  }
  return () => value;
}

function compileText(text: string, path: Path, names: Names, builder: RuleBuilder): DataValue {
  if (parseDuration(text) !== null) return () => text;
  const expression = builder.expression(path, text, names);
  if (expression === null) return () => null;
  return (scope, failed) => {
    try {
      return jsonOfValue(expression.evaluate(scope));
    } catch (error) {
      failed(text, error);
      return null;
    }
  };
}

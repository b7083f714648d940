// Compiles `then`: in this version, sends.
//
// Owns: channels, templates, and `data`. Does not own: other steps, which shape.ts refuses by name.

import { parseDuration } from '../../lib/duration.ts';
import { didYouMean } from '../../lib/suggest.ts';
import { CHANNELS } from '../../schemas/action.ts';
import { isJsonObject, type Json } from '../../schemas/json.ts';
import type { CompiledSend, ExpressionFailed, Scope } from '../api.ts';
import type { Names } from '../expressions/compiler.ts';
import type { RuleBuilder } from '../expressions/rule-builder.ts';
import { jsonOfValue } from '../expressions/values.ts';
import type { Path, SourceNode } from '../language/parse.ts';
import type { RuleBody, SendBody } from '../project/rule-schema.ts';

/** These receive the data itself; the others show a message, which a template writes. */
const CHANNELS_WITHOUT_TEMPLATE = ['webhook', 'pagerduty'];
/** Connectors add our own facts under this name. */
const RESERVED_DATA_NAME = 'tripline';

export interface ChannelOptions {
  /** Channels of the configuration, beside those that every installation has. */
  readonly channels: readonly string[];
  /** Whether there is such a template for the channel; left out: not checked. */
  readonly templates?: ((name: string, channel: string) => boolean) | undefined;
}

/** One value of `data`: a constant, an expression, or a mapping or list of values. */
type DataValue = (scope: Scope, failed: ExpressionFailed) => Json;

export function compileSends(
  steps: RuleBody['then'],
  names: Names,
  options: ChannelOptions,
  builder: RuleBuilder,
): CompiledSend[] {
  const sends: CompiledSend[] = [];
  for (const [step, body] of (steps ?? []).entries()) {
    if (body === undefined) continue;
    const path = ['then', step, 'send'];
    if (body.send !== undefined) sends.push(compileSend(step, body.send, path, names, options, builder));
    else if (isEmpty(builder.document.node(['then', step])))
      builder.error(['then', step], 'the step says nothing to do', 'such as send: {…}');
  }
  return sends;
}

/** A step with a field has been judged by shape.ts. */
function isEmpty(node: SourceNode | undefined): boolean {
  return node?.kind === 'map' && node.entries.size === 0;
}

function compileSend(
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
  return { step, channel, template: send.template ?? null, fallback, data: compileData(send, path, names, builder) };
}

function checkChannel(
  place: Path,
  channel: string,
  send: SendBody,
  path: Path,
  options: ChannelOptions,
  builder: RuleBuilder,
): void {
  const builtIn: readonly string[] = CHANNELS;
  if (channel === 'auto') {
    builder.error(place, 'channel "auto" is part of the rule language but not available in this version');
    return;
  }
  if (!builtIn.includes(channel) && !options.channels.includes(channel)) {
    const known = [...new Set([...builtIn, ...options.channels])];
    builder.error(place, `unknown channel "${channel}"`, didYouMean(channel, known, `known: ${known.join(', ')}`));
    return;
  }
  if (send.template === undefined) {
    const needsTemplate = builtIn.includes(channel) && !CHANNELS_WITHOUT_TEMPLATE.includes(channel);
    // A template that was given but had a mistake has been reported.
    if (needsTemplate && builder.document.node([...path, 'template']) === undefined) {
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

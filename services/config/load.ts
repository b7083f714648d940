// Reads tripline.yaml, the environment over it, and checks the whole; all mistakes are reported at once with their place.
//
// Owns: the order of things (file, ${NAME}, TRIPLINE_*, schema). Does not own: the fields (schema.ts).

import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { checkOptions } from '../../connectors/channels/channel.ts';
import { checkUrl } from '../../connectors/channels/http/options.ts';
import { CHANNEL_PROBLEMS, CHANNELS, channelOf } from '../../connectors/channels/index.ts';
import { CHANNEL_MODULES_VARIABLE } from '../../connectors/channels/installed.ts';
import { checkKafkaConfig } from '../../connectors/logs/kafka/config.ts';
import { FatalError } from '../../lib/errors.ts';
import { isText } from '../../lib/path-or-text.ts';
import { type Problem, ProblemsError } from '../../lib/problem.ts';
import { compileSchema, type SchemaFinding } from '../../lib/schema-check.ts';
import { notTextProblem, readTextFile } from '../../lib/text-file.ts';
import { type Path, YamlSource } from '../../lib/yaml-source.ts';
import { type Config, configOf, instantMs } from './config.ts';
import { checkConsent } from './consent.ts';
import { applyEnvironment, type Environment, expandVariables, type FieldSchema, settingsOf } from './environment.ts';
import { namedChannelSettings } from './named-channels.ts';
import { type ConfigFile, ConfigSchema } from './schema.ts';

/** Taken when no file is named and it is there. */
export const CONFIG_FILE = 'tripline.yaml';

export interface LoadedConfig {
  readonly config: Config;
  /** The file it was read from; null when there was none. */
  readonly file: string | null;
  /** One line each: worth showing to the operator. */
  readonly warnings: readonly string[];
}

export interface LoadOptions {
  /** As the user named it; left out: tripline.yaml in `folder`, if there. */
  readonly file?: string | undefined;
  readonly env: Environment;
  /** Where a relative `file` is looked up. */
  readonly folder: string;
  /** True: a `${NAME}` that is not set is empty and no error; for commands such as `check`. */
  readonly withoutSecrets?: boolean;
}

/** It is part of a topic's name. */
const CHANNEL_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,39}$/;

const checkConfig = compileSchema(ConfigSchema);

/** Throws FatalError TRG_CONFIG_INVALID: a ProblemsError with every mistake, or one saying that the file is missing. */
export function loadConfig(options: LoadOptions): LoadedConfig {
  const file = options.file ?? (existsSync(resolve(options.folder, CONFIG_FILE)) ? CONFIG_FILE : null);
  const source = new YamlSource(file ?? 'defaults', file === null ? '' : readText(resolve(options.folder, file)));
  const { value, problems, warnings } = settle(source, options);
  if (problems.length > 0) throw invalid(problems, file);
  const folder = file === null ? options.folder : dirname(resolve(options.folder, file));
  return { config: configOf(value as ConfigFile, folder), file, warnings };
}

interface Settled {
  readonly value: unknown;
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

function settle(source: YamlSource, { env, withoutSecrets = false }: LoadOptions): Settled {
  if (source.problems.length > 0) return { value: null, problems: source.problems, warnings: [] };
  const value = source.value ?? {};
  if (!isMapping(value)) {
    return { value, problems: [source.problem([], 'value', 'the configuration must be a mapping')], warnings: [] };
  }
  const problems = CHANNEL_PROBLEMS.map((message) => ofVariable(CHANNEL_MODULES_VARIABLE, message, null));
  const warnings = literalSecrets(source, value);
  const unset: Path[] = [];
  expandVariables(value, env, (path, name) => {
    unset.push(path);
    if (withoutSecrets) return;
    const message = `the environment variable ${name} is not set`;
    problems.push(source.problem(path, 'value', message, `set it, or write $\${${name}} for the text itself`));
  });
  const overridden = applyEnvironment(value, ConfigSchema as FieldSchema, env);
  for (const { variable, message } of overridden.problems) problems.push(ofVariable(variable, message, null));
  let findings: readonly SchemaFinding[] = checkConfig(value);
  if (findings.length === 0) findings = contradictions(value as ConfigFile);
  for (const finding of findings) {
    // What is wrong with the text left by a variable that is not set says nothing.
    if (unset.some((path) => path.join('.') === finding.path.join('.'))) continue;
    problems.push(placed(finding, source, overridden.variables));
  }
  return { value, problems, warnings: [...warnings, ...overridden.warnings] };
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What the schema cannot say. */
function contradictions(file: ConfigFile): SchemaFinding[] {
  const { entities, sources, channels, kafka, registry, alerts, reviews, eventTime, http } = file;
  const findings: SchemaFinding[] = [];
  const wrong = (path: Path, part: 'name' | 'value', message: string, hint: string | null = null): void => {
    findings.push({ path, part, message, hint });
  };
  if (instantMs(eventTime.min) >= instantMs(eventTime.max)) {
    wrong(['eventTime', 'min'], 'value', 'eventTime.min must be before eventTime.max');
  }
  if (kafka !== undefined && http?.publicUrl !== undefined && http.linkSecret === undefined) {
    wrong(['http', 'publicUrl'], 'value', 'links need a secret that all workers share', 'set http.linkSecret');
  }
  if (entities['user'] !== undefined) wrong(['entities', 'user'], 'name', 'the entity "user" is always there');
  const topics = sources.map((source) => source.topic);
  for (const [name, { topic }] of Object.entries(http?.hooks ?? {})) {
    const isTaken = ({ topic: known, format, entity = 'user' }: ConfigFile['sources'][number]) =>
      known === topic && format === 'segment' && entity === 'user';
    if (topic === undefined || sources.some(isTaken)) continue;
    const message = `"${topic}" is not among the sources with format segment and entity user`;
    wrong(['http', 'hooks', name, 'topic'], 'value', message, 'add it to `sources`, or leave `topic` out');
  }
  if (registry !== undefined) {
    const { url, allowPrivate } = registry;
    findings.push(...checkUrl({ path: ['registry', 'url'], url, allowPrivate, instead: 'registry.auth' }));
  }
  for (const [index, { format }] of sources.entries()) {
    if (format !== 'avro' || registry !== undefined) continue;
    wrong(['sources', index, 'format'], 'value', 'the format "avro" needs a registry', 'set `registry.url`');
  }
  for (const [index, { topic, entity, id }] of sources.entries()) {
    if (topics.indexOf(topic) !== index)
      wrong(['sources', index, 'topic'], 'value', `the topic "${topic}" is named twice`);
    if (entity === undefined || entity === 'user' || entities[entity] !== undefined || id !== undefined) continue;
    const message = `the entity "${entity}" has no path to its id`;
    wrong(['sources', index, 'entity'], 'value', message, 'add `id:` here or under `entities:`');
  }
  findings.push(...checkConsent(file));
  if (kafka !== undefined)
    findings.push(...checkKafkaConfig(kafka).map((each) => ({ ...each, path: ['kafka', ...each.path] })));
  if (alerts !== undefined && channels[alerts.channel] === undefined) {
    const message = `alerts go to the channel "${alerts.channel}", which is not configured`;
    wrong(['alerts', 'channel'], 'value', message, 'configure it under `channels:`');
  }
  if (reviews !== undefined) {
    const { channel } = reviews.slack;
    const type = channels[channel] === undefined ? null : (channelOf(channel, channels[channel])?.id ?? null);
    if (type !== 'slack') {
      const what = type === null ? 'not configured' : `of type ${type}`;
      const message = `what waits for a person is told in the channel "${channel}", which is ${what}`;
      wrong(['reviews', 'slack', 'channel'], 'value', message, 'name one of type slack under `channels:`');
    }
    if (http === undefined) {
      wrong(['reviews', 'slack'], 'name', 'answers from Slack come over HTTP, which is not configured', 'set `http`');
    }
  }
  for (const [name, options] of Object.entries(channels)) {
    const channel = channelOf(name, options);
    if (channel?.connector === undefined || channel.connector === null) {
      const types = CHANNELS.flatMap(({ id, connector }) => (connector === null ? [] : [id]));
      const message = `channels.${name} is of no type that there is`;
      wrong(['channels', name], 'name', message, `type: one of ${types.join(', ')}`);
      continue;
    }
    if (channel.id === 'inapp' && name !== 'inapp') {
      wrong(['channels', name], 'name', `"${name}" is of type inapp: there is one inbox`, 'call it `inapp`');
    }
    if (!CHANNEL_NAME.test(name)) {
      wrong(
        ['channels', name],
        'name',
        `"${name}" is no name of a channel`,
        'letters, digits, "-" and "_", at most 40',
      );
    }
    for (const { path, part, message, hint } of checkOptions(channel, options)) {
      wrong(['channels', name, ...path], part, message, hint);
    }
  }
  return findings;
}

/** Secrets belong into the environment or into files of their own, not beside the other settings. */
function literalSecrets(source: YamlSource, value: Record<string, unknown>): string[] {
  const warnings: string[] = [];
  const named = namedChannelSettings(value['channels']);
  for (const setting of [...settingsOf(ConfigSchema as FieldSchema), ...named]) {
    const { path, variable, schema } = setting;
    if (schema.secret !== true) continue;
    const found = path.reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], value);
    if (schema.type === 'array' && schema.items?.type === 'object') continue;
    // What has names of its own has secrets among other settings.
    if (schema.type === 'object') continue;
    if (schema.pathOrText === true && typeof found === 'string' && !isText(found)) continue;
    if (!leavesOf(found).some((text) => text !== '' && !text.includes('${'))) continue;
    const { line, column } = source.place(path);
    const place = `${source.file}:${line}:${column}`;
    const variables = named.includes(setting) ? '' : `, ${variable} or ${variable}_FILE`;
    warnings.push(`${place}: ${path.join('.')} is a secret written in the file: use \${NAME}${variables}`);
  }
  return warnings;
}

/** Of a text, a list or a mapping: names in it are no secrets. */
function leavesOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(leavesOf) : [];
}

function placed(finding: SchemaFinding, source: YamlSource, variables: ReadonlyMap<string, string>): Problem {
  for (let length = finding.path.length; length > 0; length--) {
    const variable = variables.get(finding.path.slice(0, length).join('.'));
    if (variable !== undefined) return ofVariable(variable, finding.message, finding.hint);
  }
  return source.problem(finding.path, finding.part, finding.message, finding.hint);
}

function ofVariable(variable: string, message: string, hint: string | null): Problem {
  return { file: variable, line: 0, column: 0, message, hint };
}

function readText(path: string): string {
  try {
    return readTextFile(path);
  } catch (error) {
    const problem = notTextProblem(error, path);
    if (problem !== null) throw invalid([problem], path);
    throw new FatalError('TRG_CONFIG_INVALID', `the configuration ${path} cannot be read`, {}, error);
  }
}

function invalid(problems: readonly Problem[], file: string | null): ProblemsError {
  const places = [...problems].sort((a, b) => a.line - b.line || a.column - b.column);
  const count = places.length === 1 ? 'one error' : `${places.length} errors`;
  return new ProblemsError(
    'TRG_CONFIG_INVALID',
    `${count} in the configuration${file === null ? '' : ` ${file}`}`,
    places,
  );
}

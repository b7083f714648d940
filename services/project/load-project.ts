// Rules, segments, models, caps, hold-outs and templates from disk, checked together: the one way in for every command.
//
// Owns: reading the files. Does not own: finding them (find-files.ts), what is right in them (rules/, connectors/).

import { join, relative, resolve } from 'node:path';
import { channelNames, channelTraits, channelTypes, connectedChannels } from '../../connectors/channels/index.ts';
import { loadTemplates, type Templates } from '../../connectors/channels/templates/templates.ts';
import { FatalError } from '../../lib/errors.ts';
import { type Problem, ProblemsError } from '../../lib/problem.ts';
import { notTextProblem, readTextFile } from '../../lib/text-file.ts';
import type { Routing } from '../../rules/gates/urgency.ts';
import { checkRules, type KnownEvents, type RuleFile, type RulesCheck } from '../../rules/index.ts';
import type { Lane } from '../../rules/patterns/pattern.ts';
import type { RuleSet } from '../../rules/project/rule-set.ts';
import { CONSENT_REQUESTED } from '../../schemas/consent-request.ts';
import type { PublishedFile } from '../../schemas/published-rules.ts';
import { consentTerms } from '../config/consent.ts';
import type { Config } from '../config/index.ts';
import { filesOf, findFiles } from './find-files.ts';
import { undefinedVariables } from './template-variables.ts';

export interface ProjectOptions {
  /** Files and folders of rules, as the user gave them. */
  readonly paths: readonly string[];
  /** What relative paths are relative to, absolute. */
  readonly folder: string;
  /** What of the configuration the rules depend on. */
  readonly config: Pick<
    Config,
    | 'outOfOrdernessMs'
    | 'entities'
    | 'templates'
    | 'segments'
    | 'models'
    | 'caps'
    | 'holdouts'
    | 'consent'
    | 'channels'
    | 'deliveredElsewhere'
    | 'routing'
    | 'presenceWindowMs'
    | 'validForMs'
  > &
    Partial<Pick<Config, 'topics'>>;
  /** False where nothing is delivered: then rules may name templates that are not there. */
  readonly needsTemplates?: boolean;
  /** What has been seen of events; left out: names that no event has had are not warned of. */
  readonly events?: KnownEvents | undefined;
  /** True in a worker: people are reached by its connectors, models are asked. Left out: everyone counts as reachable. */
  readonly isLive?: boolean;
}

export interface Project {
  readonly rules: RulesCheck;
  /** What `rules` were made of. */
  readonly files: readonly PublishedFile[];
  /** Of each folder of templates, in the order found. */
  readonly templates: readonly Templates[];
  readonly ruleFiles: readonly string[];
  /** Every mistake in rules and templates. */
  readonly errors: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/**
 * Reads and checks everything below the paths; files are named as the user would write them. Mistakes are in the
 * answer, not thrown.
 * Throws FatalError TRG_FILE_UNREADABLE for a path that is not there.
 */
export function loadProject(options: ProjectOptions): Project {
  const { paths, folder, config, needsTemplates = true, isLive = false } = options;
  const files = findFiles(paths, folder);
  const { ruleFiles, templateFolders } = files;
  const folders = config.templates === null ? templateFolders : [relative(folder, config.templates)];
  const loaded = folders.map((name) => ({
    name,
    ...loadTemplates(resolve(folder, name), channelNames(config.channels), channelTypes(config.channels)),
  }));
  const templates = loaded.map((found) => found.templates);
  const notText: Problem[] = [];
  const texts: readonly PublishedFile[] = [
    ...readAll('rules', ruleFiles, folder, notText),
    ...readAll('segments', named(config.segments, files.segmentFiles, folder), folder, notText),
    ...readAll('models', named(config.models, files.modelFiles, folder), folder, notText),
    ...readAll('caps', named(config.caps, files.capFiles, folder), folder, notText),
    ...readAll('holdouts', named(config.holdouts, files.holdoutFiles, folder), folder, notText),
  ];
  const rules = checkFiles(texts, { ...options, templates: needsTemplates ? templates : [] });
  /** Named as the user would write it. */
  const asWritten = (name: string, problem: Problem): Problem => {
    return { ...problem, file: join(name, relative(resolve(folder, name), problem.file)) };
  };
  const errors = loaded.flatMap(({ name, problems }) => problems.map((problem) => asWritten(name, problem)));
  const gaps = loaded.flatMap(({ name, templates: found }) =>
    undefinedVariables(rules.rules, found, options.events).map((problem) => asWritten(name, problem)),
  );
  const unasked = unaskedProblem(config, rules);
  return {
    rules,
    files: texts,
    templates,
    ruleFiles,
    errors: [...notText, ...rules.errors, ...errors, ...(isLive ? unasked : [])],
    warnings: [...rules.warnings, ...gaps, ...(isLive ? [] : unasked)],
  };
}

export interface CheckFilesOptions extends Pick<ProjectOptions, 'config' | 'isLive' | 'events'> {
  /** Where rules' templates are looked for; none: not at all, as they may be somewhere else. */
  readonly templates: readonly Templates[];
  /** As CompileOptions has it. */
  readonly since?: ReadonlyMap<string, number>;
  /** As CompileOptions has it. */
  readonly before?: RuleSet | undefined;
}

/** Checks and compiles files whose texts are at hand. */
export function checkFiles(
  files: readonly PublishedFile[],
  { config, isLive = false, templates, since, before, events }: CheckFilesOptions,
): RulesCheck {
  const terms = consentTerms(config.consent);
  const of = (kind: PublishedFile['kind']): RuleFile[] => files.filter((file) => file.kind === kind);
  return checkRules(of('rules'), {
    context: {
      segments: of('segments'),
      models: of('models'),
      caps: of('caps'),
      holdouts: of('holdouts'),
      optIn: [...terms.optIn],
      doubleOptIn: [...terms.doubleOptIn],
      always: [...terms.always],
      routing: routingOf(config, isLive),
      ...(isLive && { validForMs: config.validForMs }),
      withRemoteModels: isLive,
    },
    outOfOrdernessMs: config.outOfOrdernessMs,
    recordsKeptMs: config.topics?.retentionMs.public,
    events,
    entities: Object.keys(config.entities),
    channels: channelTraits(config.channels, isLive),
    served: servedBy(config, isLive),
    mustBeServed: isLive,
    // Without any folder of templates they are somewhere else: rules can be written and tested before them.
    ...(templates.length > 0 && { templates: (name, channel) => isThere(templates, name, channel) }),
    ...(since !== undefined && { since }),
    ...(before !== undefined && { before }),
  });
}

/** Nobody confirms who is not asked. */
function unaskedProblem({ consent }: ProjectOptions['config'], { ruleSet }: RulesCheck): Problem[] {
  const asks = (lane: Lane): boolean => ruleSet.interested('user', lane, CONSENT_REQUESTED).length > 0;
  if (consent.doubleOptIn === null || asks('arrival') || asks('event-time')) return [];
  const message = `consent.doubleOptIn: no rule sends the link to confirm, so what must be confirmed is never allowed`;
  const hint = `add a rule for the event ${CONSENT_REQUESTED}, as in docs/channels.md, or leave doubleOptIn out`;
  return [{ file: 'configuration', line: 0, column: 0, message, hint }];
}

/** Undefined: nothing is said of channels, as in a folder of rules alone. */
function servedBy(
  { channels, deliveredElsewhere }: ProjectOptions['config'],
  isLive: boolean,
): ReadonlySet<string> | undefined {
  const names = [...connectedChannels(channels).map(({ name }) => name), ...deliveredElsewhere];
  return names.length === 0 && !isLive ? undefined : new Set(names);
}

/** `auto` takes channels that there are. */
function routingOf(config: ProjectOptions['config'], isLive: boolean): Routing {
  const served = servedBy(config, isLive);
  const there = (names: readonly string[]) => names.filter((name) => served?.has(name) !== false);
  const { critical, operational, marketing } = config.routing;
  return {
    channels: { critical: there(critical), operational: there(operational), marketing: there(marketing) },
    presenceWindowMs: config.presenceWindowMs,
  };
}

/** Throws ProblemsError TRG_RULES_INVALID with every mistake, or FatalError of that code when there is no rule. */
export function loadFlawlessProject(options: ProjectOptions): Project {
  const project = loadProject(options);
  if (project.errors.length > 0) {
    const count = project.errors.length === 1 ? 'one error' : `${project.errors.length} errors`;
    throw new ProblemsError('TRG_RULES_INVALID', `${count} in the rules`, project.errors);
  }
  if (project.rules.rules.length === 0) {
    throw new FatalError('TRG_RULES_INVALID', `no rules in ${options.paths.join(', ')}`);
  }
  return project;
}

function isThere(templates: readonly Templates[], name: string, channel: string): boolean {
  return templates.some((found) => found.has(name, channel));
}

/** Files of a kind: those that the configuration names, or else those that were found. */
function named(path: string | null, found: readonly string[], folder: string): readonly string[] {
  return path === null ? found : filesOf(relative(folder, path), folder);
}

/** Files that are no text are left out, and added to `problems`. */
function readAll(
  kind: PublishedFile['kind'],
  files: readonly string[],
  folder: string,
  problems: Problem[],
): PublishedFile[] {
  return files.flatMap((file) => {
    const text = readText(file, folder, problems);
    return text === null ? [] : [{ kind, file, text }];
  });
}

function readText(file: string, folder: string, problems: Problem[]): string | null {
  try {
    return readTextFile(resolve(folder, file));
  } catch (error) {
    const problem = notTextProblem(error, file);
    if (problem === null) {
      const path = resolve(folder, file);
      throw new FatalError('TRG_FILE_UNREADABLE', `${path} cannot be read: ${(error as Error).message}`, {
        file: path,
      });
    }
    problems.push(problem);
    return null;
  }
}

// Rules, segments, models, caps and templates from disk, checked together: the one way in for every command.
//
// Owns: reading the files. Does not own: finding them (find-files.ts), what is right in them (rules/, connectors/).

import { readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { channelNames, channelTraits } from '../../connectors/channels/index.ts';
import { loadTemplates, type Templates } from '../../connectors/channels/templates/templates.ts';
import { FatalError } from '../../lib/errors.ts';
import { type Problem, ProblemsError } from '../../lib/problem.ts';
import { checkRules, type RuleFile, type RulesCheck } from '../../rules/index.ts';
import type { PublishedFile } from '../../schemas/published-rules.ts';
import type { Config } from '../config/index.ts';
import { filesOf, findFiles } from './find-files.ts';

export interface ProjectOptions {
  /** Files and folders of rules, as the user gave them. */
  readonly paths: readonly string[];
  /** What relative paths are relative to, absolute. */
  readonly folder: string;
  /** What of the configuration the rules depend on. */
  readonly config: Pick<
    Config,
    'outOfOrdernessMs' | 'entities' | 'templates' | 'segments' | 'models' | 'caps' | 'consent' | 'channels'
  >;
  /** False where nothing is delivered: then rules may name templates that are not there. */
  readonly needsTemplates?: boolean;
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
  const { paths, folder, config, needsTemplates = true } = options;
  const files = findFiles(paths, folder);
  const { ruleFiles, templateFolders } = files;
  const folders = config.templates === null ? templateFolders : [relative(folder, config.templates)];
  const loaded = folders.map((name) => ({
    name,
    ...loadTemplates(resolve(folder, name), channelNames(config.channels)),
  }));
  const templates = loaded.map((found) => found.templates);
  const texts: readonly PublishedFile[] = [
    ...readAll('rules', ruleFiles, folder),
    ...readAll('segments', named(config.segments, files.segmentFiles, folder), folder),
    ...readAll('models', named(config.models, files.modelFiles, folder), folder),
    ...readAll('caps', named(config.caps, files.capFiles, folder), folder),
  ];
  const rules = checkFiles(texts, { ...options, templates: needsTemplates ? templates : [] });
  const errors = loaded.flatMap(({ name, problems }) =>
    problems.map((problem) => ({ ...problem, file: join(name, relative(resolve(folder, name), problem.file)) })),
  );
  return {
    rules,
    files: texts,
    templates,
    ruleFiles,
    errors: [...rules.errors, ...errors],
    warnings: rules.warnings,
  };
}

export interface CheckFilesOptions extends Pick<ProjectOptions, 'config' | 'isLive'> {
  /** Where rules' templates are looked for; none: not at all, as they may be somewhere else. */
  readonly templates: readonly Templates[];
  /** As CompileOptions has it. */
  readonly since?: ReadonlyMap<string, number>;
}

/** Checks and compiles files whose texts are at hand. */
export function checkFiles(
  files: readonly PublishedFile[],
  { config, isLive = false, templates, since }: CheckFilesOptions,
): RulesCheck {
  const of = (kind: PublishedFile['kind']): RuleFile[] => files.filter((file) => file.kind === kind);
  return checkRules(of('rules'), {
    context: {
      segments: of('segments'),
      models: of('models'),
      caps: of('caps'),
      optIn: config.consent.optIn,
      always: config.consent.always,
      withRemoteModels: isLive,
    },
    outOfOrdernessMs: config.outOfOrdernessMs,
    entities: Object.keys(config.entities),
    channels: channelTraits(config.channels, isLive),
    // Without any folder of templates they are somewhere else: rules can be written and tested before them.
    ...(templates.length > 0 && { templates: (name, channel) => isThere(templates, name, channel) }),
    ...(since !== undefined && { since }),
  });
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
  return templates.some((found) => found.find(name, channel, null) !== undefined);
}

/** Files of a kind: those that the configuration names, or else those that were found. */
function named(path: string | null, found: readonly string[], folder: string): readonly string[] {
  return path === null ? found : filesOf(relative(folder, path), folder);
}

function readAll(kind: PublishedFile['kind'], files: readonly string[], folder: string): PublishedFile[] {
  return files.map((file) => ({ kind, file, text: readText(resolve(folder, file)) }));
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new FatalError('TRG_FILE_UNREADABLE', `${file} cannot be read`, { file }, error);
  }
}

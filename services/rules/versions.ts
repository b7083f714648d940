// The versions of the rules as people and programs ask for them: which there are and which are in force, what differs between
// two, publishing one, going back to one.
//
// Owns: what is asked and answered. Does not own: the rules topic (published.ts), what workers do with a version
// (followed-rules.ts).

import Type from 'typebox';
import { FatalError } from '../../lib/errors.ts';
import { type Problem, ProblemsError } from '../../lib/problem.ts';
import type { RulesCheck } from '../../rules/index.ts';
import type { PublishedFile, PublishedRules } from '../../schemas/published-rules.ts';
import { ENTITY_STORE } from '../../topology/topology.ts';
import { type FlowStepChange, inFlightChanges } from '../flows/in-flight.ts';
import { Programs } from '../flows/programs.ts';
import { type Asked, pauseOf, service } from '../operation.ts';
import { checkFiles } from '../project/load-project.ts';
import type { ServiceContext } from '../service-context.ts';
import { digestOf, publish, rulesTopicOf } from './published.ts';

const strict = { additionalProperties: false };
const VERSION = Type.Integer({ minimum: 1 });
const NOTE = Type.Optional(Type.String({ maxLength: 10_000 }));

/** The files of one version. */
export const RuleFilesSchema = Type.Array(
  Type.Object(
    { kind: Type.Enum(['rules', 'segments', 'models', 'caps', 'holdouts']), file: Type.String(), text: Type.String() },
    strict,
  ),
);

/** `files`: left out: nothing is compared with them. */
export const RulesStatusSchema = Type.Object({ files: Type.Optional(RuleFilesSchema) }, strict);
export type RulesStatusQuestion = Type.Static<typeof RulesStatusSchema>;

/** Two versions; one, and the newest; none, and the newest with `files`. */
export const RulesDiffSchema = Type.Object(
  { from: Type.Optional(VERSION), to: Type.Optional(VERSION), files: Type.Optional(RuleFilesSchema) },
  strict,
);
export type RulesDiffQuestion = Type.Static<typeof RulesDiffSchema>;

/** `note`: why, for those who look at the versions later. */
export const PublishRulesSchema = Type.Object({ files: RuleFilesSchema, note: NOTE }, strict);
export type PublishRules = Type.Static<typeof PublishRulesSchema>;

export const RollBackRulesSchema = Type.Object({ version: VERSION, note: NOTE }, strict);
export type RollBackRules = Type.Static<typeof RollBackRulesSchema>;

export interface PublishedVersion {
  readonly version: number;
  /** ISO-8601. */
  readonly publishedAt: string;
  readonly origin: PublishedRules['origin'];
  readonly note: string | null;
  /** Of its files: equal files, equal digest. */
  readonly digest: string;
  /** By rule id: the rule's own version, and since which version of the set it has been there without a break. */
  readonly rules: PublishedRules['rules'];
}

export interface RulesStatus {
  /** The oldest first. */
  readonly versions: readonly PublishedVersion[];
  /** Whether the files are those of the newest version; null: none were given. */
  readonly isPublished: boolean | null;
  /** The version that each task of the worker that is asked evaluates with, by task; null: no worker was asked. */
  readonly inForce: Readonly<Record<string, number>> | null;
}

export interface RuleChange {
  readonly rule: string;
  readonly change: 'added' | 'removed' | 'changed';
  /** Versions of the rule itself; null: it is not there. */
  readonly from: string | null;
  readonly to: string | null;
  /** What becomes of its flows that wait; empty where it has no steps that wait. */
  readonly flows: readonly FlowStepChange[];
}

export interface RulesPublished {
  /** Null: nothing has changed since the newest version, and nothing was published. */
  readonly version: number | null;
  readonly rules: number;
}

/** Throws FatalError TRG_FILE_UNREADABLE without a log. */
export async function rulesStatus(
  context: ServiceContext,
  { files }: RulesStatusQuestion,
  { signal }: Asked,
): Promise<RulesStatus> {
  const { published } = await context.rules();
  const live = await context.live?.lookUp({ part: ENTITY_STORE, key: null }, signal);
  return {
    versions: published.map(shown),
    isPublished: files === undefined ? null : published.at(-1)?.digest === digestOf(files),
    inForce: live === undefined ? null : Object.fromEntries(live.tasks.map(({ task, rules }) => [task, rules])),
  };
}

/**
 * In order of rule id; where flows may wait, with what becomes of them. Throws FatalError TRG_USAGE for a version that is not there,
 * ProblemsError TRG_RULES_INVALID for `files`.
 */
export async function rulesDiff(
  context: ServiceContext,
  { from, to, files }: RulesDiffQuestion,
  asked: Asked,
): Promise<readonly RuleChange[]> {
  const book = await context.rules();
  const { published } = book;
  const before = from === undefined ? published.at(-1) : found(published, from);
  const after = from === undefined ? null : to === undefined ? published.at(-1)! : found(published, to);
  const folder = after === null ? checked(context, files ?? []) : null;
  const old = before === undefined ? {} : versionsIn(before);
  const now = after === null ? versionsOf(folder!) : versionsIn(after);
  const rules = [...new Set([...Object.keys(old), ...Object.keys(now)])]
    .sort()
    .filter((rule) => old[rule] !== now[rule]);
  if (before === undefined || rules.every((rule) => old[rule] === undefined)) {
    return rules.map((rule) => changeOf(old, now, rule, []));
  }
  const was = book.version(before.version)!.ruleSet;
  const is = (folder ?? book.version(after!.version)!).ruleSet;
  const changed = rules.flatMap((rule) => {
    const known = was.rule(rule);
    return known === undefined ? [] : [{ from: known, to: is.rule(rule) }];
  });
  const around = { pause: pauseOf(context, asked), programs: new Programs(book) };
  const flows = await inFlightChanges(context, changed, around);
  return rules.map((rule) => changeOf(old, now, rule, flows.get(rule) ?? []));
}

/**
 * Publishes files as the next version, unless they are those of the newest. Throws ProblemsError TRG_RULES_INVALID with every
 * mistake, and then publishes nothing; RetryableError TRG_LOG_FENCED when somebody else publishes at this moment; FatalError
 * TRG_LOG_LOCKED, TRG_FILE_UNREADABLE.
 */
export async function publishRules(context: ServiceContext, { files, note }: PublishRules): Promise<RulesPublished> {
  const { rules } = checked(context, files);
  const log = await context.writableLog();
  const digest = digestOf(files);
  const publication = { ...rulesTopicOf(context.config), files, rules, now: context.clock.now() };
  const published = await publish(log, { ...publication, origin: 'command', note: note ?? null }, (before) => {
    return before.at(-1)?.digest === digest;
  });
  return { version: published?.version ?? null, rules: rules.length };
}

/**
 * Publishes an earlier version again, as the next one. Throws FatalError TRG_USAGE for a version that is not there, ProblemsError
 * TRG_RULES_INVALID for one that has mistakes for this version of Tripline; else as publishRules().
 */
export async function rollBackRules(
  context: ServiceContext,
  { version, note }: RollBackRules,
): Promise<RulesPublished & { readonly version: number }> {
  const log = await context.writableLog();
  const { files } = found((await context.rules()).published, version);
  const check = checkFiles(files, { config: context.config, isLive: true, templates: [] });
  if (check.errors.length > 0) {
    throw new ProblemsError(
      'TRG_RULES_INVALID',
      `version ${version} has mistakes for this version of Tripline`,
      check.errors,
    );
  }
  const again = await publish(log, {
    ...rulesTopicOf(context.config),
    files,
    rules: check.rules,
    origin: 'rollback',
    note: note ?? `version ${version} again`,
    now: context.clock.now(),
  });
  return { version: again!.version, rules: check.rules.length };
}

function checked({ config }: ServiceContext, files: readonly PublishedFile[]): RulesCheck {
  const check = checkFiles(files, { config, isLive: true, templates: [] });
  if (check.errors.length > 0) throw mistakes(check.errors);
  if (check.rules.length === 0) throw new FatalError('TRG_RULES_INVALID', 'there is no rule in these files');
  return check;
}

function mistakes(errors: readonly Problem[]): ProblemsError {
  const count = errors.length === 1 ? 'one error' : `${errors.length} errors`;
  return new ProblemsError('TRG_RULES_INVALID', `${count} in the rules`, errors);
}

function found(published: readonly PublishedRules[], version: number): PublishedRules {
  const one = published.find((each) => each.version === version);
  if (one !== undefined) return one;
  const newest = published.at(-1)?.version;
  const hint =
    newest === undefined ? 'nothing was published yet' : `versions go from ${published[0]!.version} to ${newest}`;
  throw new FatalError('TRG_USAGE', `rules: there is no version ${version}`, { hint });
}

/** Rule ids by their own versions. */
type Versions = Readonly<Record<string, string>>;

function versionsIn({ rules }: PublishedRules): Versions {
  return Object.fromEntries(Object.entries(rules).map(([id, { version }]) => [id, version]));
}

function versionsOf({ rules }: RulesCheck): Versions {
  return Object.fromEntries(rules.map(({ id, version }) => [id, version]));
}

function changeOf(old: Versions, now: Versions, rule: string, flows: RuleChange['flows']): RuleChange {
  const [from, to] = [old[rule] ?? null, now[rule] ?? null];
  return { rule, change: from === null ? 'added' : to === null ? 'removed' : 'changed', from, to, flows };
}

function shown({ version, publishedAt, origin, note, digest, rules }: PublishedRules): PublishedVersion {
  return { version, publishedAt: new Date(publishedAt).toISOString(), origin, note, digest, rules };
}

export const statusService = service(RulesStatusSchema, rulesStatus);
export const diffService = service(RulesDiffSchema, rulesDiff);
export const publishService = service(PublishRulesSchema, publishRules);
export const rollBackService = service(RollBackRulesSchema, rollBackRules);

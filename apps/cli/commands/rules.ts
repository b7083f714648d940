// `tripline rules`: the versions of the rule set that workers run: publish, list, compare, go back.

import { systemClock } from '../../../lib/clock.ts';
import type { PublishedRules } from '../../../schemas/published-rules.ts';
import type { Config } from '../../../services/config/index.ts';
import { openExistingLog, openLogReadOnly } from '../../../services/job/open-log.ts';
import { checkFiles, loadFlawlessProject, type Project } from '../../../services/project/load-project.ts';
import { digestOf, publish, readPublished, rulesTopicOf } from '../../../services/rules/published.ts';
import type { Log } from '../../../topology/engine/ports.ts';
import { defineCommand, type ExitCode, type Io, usageError } from '../command.ts';
import { CONFIG_OPTION } from '../options.ts';
import { projectSettings } from '../settings.ts';
import { subcommand } from '../subcommand.ts';

export const rules = defineCommand({
  name: 'rules',
  summary: 'Publishes rules to running workers, lists versions, compares them, goes back to one',
  usage: 'publish | list | diff [VERSION [VERSION]] | rollback VERSION  [-c FILE] [--note TEXT] [--json]',
  options: {
    config: CONFIG_OPTION,
    note: { type: 'string', value: 'TEXT', description: 'publish, rollback: why, for `list`' },
    json: { type: 'boolean', description: 'list, diff: one JSON object a line' },
  },
  run: async ({ values, positionals }, io) => {
    const word = subcommand('rules', positionals.slice(0, 1), ['publish', 'list', 'diff', 'rollback']);
    const numbers = positionals.slice(1).map(versionNumber);
    const most = { publish: 0, list: 0, diff: 2, rollback: 1 }[word];
    if (numbers.length > most) throw usageError(`rules ${word}: takes no "${positionals[most + 1]}"`);
    const { config } = projectSettings({ file: values.config, paths: [] }, io);
    const isWriting = word === 'publish' || word === 'rollback';
    const note = values.note ?? null;
    // Mistakes in the folder are found before the log is touched.
    const folder = word === 'publish' ? folderProject(config, io) : null;
    const log = await (isWriting ? openExistingLog : openLogReadOnly)(config, systemClock);
    try {
      if (folder !== null) return await publishNow(log, config, folder, note, io);
      const published = await readPublished(log, rulesTopicOf(config));
      if (word === 'list') return list(published, values.json === true, io);
      if (word === 'diff') return diff(published, numbers, () => folderProject(config, io), values.json === true, io);
      return await rollBack(log, config, published, numbers[0], note, io);
    } finally {
      await log.close();
    }
  },
});

function versionNumber(text: string): number {
  const version = Number(text);
  if (!Number.isSafeInteger(version) || version < 1)
    throw usageError(`rules: "${text}" is not the number of a version`);
  return version;
}

function folderProject(config: Config, io: Io): Project {
  return loadFlawlessProject({ paths: [config.rules], folder: io.folder, config, isLive: true });
}

async function publishNow(log: Log, config: Config, folder: Project, note: string | null, io: Io): Promise<ExitCode> {
  const { files, rules: checked } = folder;
  const publication = { ...rulesTopicOf(config), files, rules: checked.rules, now: systemClock.now() };
  const digest = digestOf(files);
  const published = await publish(log, { ...publication, origin: 'command', note }, (before) => {
    return before.at(-1)?.digest === digest;
  });
  if (published === null) io.stdout.write('nothing has changed since the newest version\n');
  else io.stdout.write(`version ${published.version} published: ${checked.rules.length} rules\n`);
  return 0;
}

function list(published: readonly PublishedRules[], isJson: boolean, io: Io): ExitCode {
  for (const { version, publishedAt, origin, note, rules: each, digest } of published) {
    const at = new Date(publishedAt).toISOString();
    const count = Object.keys(each).length;
    if (isJson) io.stdout.write(`${JSON.stringify({ version, publishedAt: at, origin, note, digest, rules: each })}\n`);
    else io.stdout.write(`${version}  ${at}  ${origin}  rules: ${count}${note === null ? '' : `  ${note}`}\n`);
  }
  if (published.length === 0)
    io.stderr.write('nothing was published yet: a worker publishes its folder when it starts\n');
  return 0;
}

/** Rule ids by their own versions. */
type Versions = Readonly<Record<string, string>>;

/** Two versions; one, and the newest; none: the newest, and the folder. Exit code 1 where they differ, as diff has it. */
function diff(
  published: readonly PublishedRules[],
  [from, to]: readonly number[],
  folder: () => Project,
  isJson: boolean,
  io: Io,
): ExitCode {
  const before = from === undefined ? published.at(-1) : find(published, from);
  const after = from === undefined ? null : to === undefined ? published.at(-1)! : find(published, to);
  const old = before === undefined ? {} : versionsIn(before);
  const now = after === null ? folderVersions(folder()) : versionsIn(after);
  const changes = [...new Set([...Object.keys(old), ...Object.keys(now)])].sort().flatMap((rule) => {
    if (old[rule] === now[rule]) return [];
    return [{ rule, change: changeOf(old, now, rule), from: old[rule] ?? null, to: now[rule] ?? null }];
  });
  for (const { rule, change, from: was, to: is } of changes) {
    if (isJson) io.stdout.write(`${JSON.stringify({ rule, change, from: was, to: is })}\n`);
    else io.stdout.write(`${change.padEnd(7)}  ${rule}  ${was ?? '-'} -> ${is ?? '-'}\n`);
  }
  return changes.length === 0 ? 0 : 1;
}

function changeOf(old: Versions, now: Versions, rule: string): 'added' | 'removed' | 'changed' {
  if (old[rule] === undefined) return 'added';
  return now[rule] === undefined ? 'removed' : 'changed';
}

function versionsIn({ rules: each }: PublishedRules): Versions {
  return Object.fromEntries(Object.entries(each).map(([id, { version }]) => [id, version]));
}

function folderVersions({ rules: { rules: each } }: Project): Versions {
  return Object.fromEntries(each.map(({ id, version }) => [id, version]));
}

function find(published: readonly PublishedRules[], version: number): PublishedRules {
  const found = published.find((each) => each.version === version);
  if (found !== undefined) return found;
  const newest = published.at(-1)?.version;
  const hint =
    newest === undefined ? 'nothing was published yet' : `versions go from ${published[0]!.version} to ${newest}`;
  throw usageError(`rules: there is no version ${version}`, hint);
}

async function rollBack(
  log: Log,
  config: Config,
  published: readonly PublishedRules[],
  version: number | undefined,
  note: string | null,
  io: Io,
): Promise<ExitCode> {
  if (version === undefined)
    throw usageError('rules rollback: say to which version', '`tripline rules list` shows them');
  const { files } = find(published, version);
  const checked = checkFiles(files, { config, isLive: true, templates: [] });
  if (checked.errors.length > 0) {
    io.stderr.write(`version ${version} has mistakes for this version of Tripline: ${checked.errors[0]!.message}\n`);
    return 1;
  }
  const again = await publish(log, {
    ...rulesTopicOf(config),
    files,
    rules: checked.rules,
    origin: 'rollback',
    note: note ?? `version ${version} again`,
    now: systemClock.now(),
  });
  io.stdout.write(`version ${again!.version} published: version ${version} again\n`);
  return 0;
}

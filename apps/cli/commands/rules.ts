// `tripline rules`: the versions of the rule set that workers run: publish, list, compare, go back.

import type { Config } from '../../../services/config/index.ts';
import { changeInWords } from '../../../services/flows/program-words.ts';
import { resultOf } from '../../../services/operation.ts';
import type { Services } from '../../../services/operations.ts';
import { loadFlawlessProject, loadProject, type Project } from '../../../services/project/load-project.ts';
import type { PublishedVersion, RulesStatus } from '../../../services/rules/versions.ts';
import { type Asking, asking } from '../asking.ts';
import { defineCommand, type ExitCode, type Io, usageError } from '../command.ts';
import { CONFIG_OPTION } from '../options.ts';
import { subcommand } from '../subcommand.ts';

export const rules = defineCommand({
  name: 'rules',
  summary: 'Publishes rules to running workers, lists versions, compares them, goes back to one',
  usage: 'publish | status | list | diff [VERSION [VERSION]] | rollback VERSION  [-c FILE] [--note TEXT] [--json]',
  options: {
    config: CONFIG_OPTION,
    note: { type: 'string', value: 'TEXT', description: 'publish, rollback: why, for `list`' },
    json: { type: 'boolean', description: 'status: one JSON object; list, diff: one a line' },
  },
  run: async ({ values, positionals }, io) => {
    const word = subcommand('rules', positionals.slice(0, 1), ['publish', 'status', 'list', 'diff', 'rollback']);
    const numbers = positionals.slice(1).map(versionNumber);
    const most = { publish: 0, status: 0, list: 0, diff: 2, rollback: 1 }[word];
    if (numbers.length > most) throw usageError(`rules ${word}: takes no "${positionals[most + 1]}"`);
    const isJson = values.json === true;
    const note = values.note === undefined ? {} : { note: values.note };
    return asking(values.config, io, async (session) => {
      const { services } = session;
      if (word === 'publish') return publish(session, note, io);
      if (word === 'status') return status(session, isJson, io);
      if (word === 'list') return list(services, isJson, io);
      if (word === 'diff') return diff(session, numbers, isJson, io);
      return rollBack(services, numbers[0], note, io);
    });
  },
});

function versionNumber(text: string): number {
  const version = Number(text);
  if (!Number.isSafeInteger(version) || version < 1)
    throw usageError(`rules: "${text}" is not the number of a version`);
  return version;
}

/** Mistakes in the folder are found before anybody is asked. */
function folderProject(config: Config, io: Io): Project {
  return loadFlawlessProject({ paths: [config.rules], folder: io.folder, config, isLive: true });
}

async function publish({ config, services }: Asking, note: { note?: string }, io: Io): Promise<ExitCode> {
  const { files } = folderProject(config, io);
  const { version, rules: count } = await resultOf(
    services.ask('rules.publish', { files: [...files], ...note }, io.signal),
  );
  if (version === null) io.stdout.write('nothing has changed since the newest version\n');
  else io.stdout.write(`version ${version} published: ${count} rules\n`);
  return 0;
}

async function status({ config, services }: Asking, isJson: boolean, io: Io): Promise<ExitCode> {
  const folder = loadProject({ paths: [config.rules], folder: io.folder, config, isLive: true });
  const mistakes = folder.errors.length;
  const answer = await resultOf(services.ask('rules.status', { files: [...folder.files] }, io.signal));
  const newest = answer.versions.at(-1) ?? null;
  const { inForce } = answer;
  if (isJson)
    io.stdout.write(`${JSON.stringify({ newest, folder: { isPublished: answer.isPublished, mistakes }, inForce })}\n`);
  else {
    io.stdout.write(newest === null ? 'nothing was published yet\n' : `newest   ${versionRow(newest)}\n`);
    io.stdout.write(`folder   ${folderWords(answer, mistakes)}\n`);
    io.stdout.write(`running  ${inForceWords(answer)}\n`);
  }
  return 0;
}

function folderWords({ isPublished }: RulesStatus, mistakes: number): string {
  if (isPublished === true) return 'as published';
  const change = 'has changed since: `tripline rules diff` shows what';
  return mistakes === 0 ? change : `has changed since, and has mistakes (${mistakes}): \`tripline check\` shows them`;
}

function inForceWords({ inForce }: RulesStatus): string {
  if (inForce === null) return 'no worker runs on this data folder';
  const tasks = Object.entries(inForce);
  if (tasks.length === 0) return 'this worker has no task that evaluates rules';
  const byVersion = Map.groupBy(tasks, ([, version]) => version);
  return Array.from(byVersion, ([version, ofVersion]) => {
    const tasksOf = `${ofVersion.length} ${ofVersion.length === 1 ? 'task' : 'tasks'}`;
    return version === 0 ? `nothing evaluated yet: ${tasksOf}` : `version ${version}: ${tasksOf}`;
  }).join(', ');
}

async function list(services: Services, isJson: boolean, io: Io): Promise<ExitCode> {
  const { versions } = await resultOf(services.ask('rules.status', {}, io.signal));
  for (const each of versions) {
    const { version, publishedAt, origin, note, digest, rules: ids } = each;
    const json = { version, publishedAt, origin, note, digest, rules: ids };
    io.stdout.write(`${isJson ? JSON.stringify(json) : versionRow(each)}\n`);
  }
  if (versions.length === 0)
    io.stderr.write('nothing was published yet: a worker publishes its folder when it starts\n');
  return 0;
}

function versionRow({ version, publishedAt, origin, note, rules: each }: PublishedVersion): string {
  const count = Object.keys(each).length;
  return `${version}  ${publishedAt}  ${origin}  rules: ${count}${note === null ? '' : `  ${note}`}`;
}

/** Exit code 1 where they differ, as diff has it. */
async function diff(
  { config, services }: Asking,
  [from, to]: readonly number[],
  isJson: boolean,
  io: Io,
): Promise<ExitCode> {
  const question = {
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(from === undefined && { files: [...folderProject(config, io).files] }),
  };
  const changes = await resultOf(services.ask('rules.diff', question, io.signal));
  for (const each of changes) {
    const { rule, change, from: was, to: is, flows } = each;
    if (isJson) {
      io.stdout.write(`${JSON.stringify(each)}\n`);
      continue;
    }
    io.stdout.write(`${change.padEnd(7)}  ${rule}  ${was ?? '-'} -> ${is ?? '-'}\n`);
    for (const step of flows) io.stdout.write(`  ${changeInWords(step)}\n`);
  }
  return changes.length === 0 ? 0 : 1;
}

async function rollBack(
  services: Services,
  version: number | undefined,
  note: { note?: string },
  io: Io,
): Promise<ExitCode> {
  if (version === undefined)
    throw usageError('rules rollback: say to which version', '`tripline rules list` shows them');
  const again = await resultOf(services.ask('rules.rollback', { version, ...note }, io.signal));
  io.stdout.write(`version ${again.version} published: version ${version} again\n`);
  return 0;
}

// `tripline state`: what the tasks remember, as their changelogs have it, whether or not a worker is running.

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { systemClock } from '../../../lib/clock.ts';
import type { RuleSet } from '../../../rules/project/rule-set.ts';
import type { Config } from '../../../services/config/index.ts';
import { jobOf } from '../../../services/job/job.ts';
import { openExistingLog, openLogReadOnly, stateFolder } from '../../../services/job/open-log.ts';
import { loadFlawlessProject } from '../../../services/project/load-project.ts';
import { entityJson, timeJson } from '../../../services/state/entity-json.ts';
import { exportEntities } from '../../../services/state/export-state.ts';
import { foldDocument } from '../../../services/state/folded-state.ts';
import { type LocalState, localState, readTasks, type TaskState, taskState } from '../../../services/state/tasks.ts';
import { type EntityDocument, entityKey } from '../../../state/entity/document.ts';
import { LevelStore } from '../../../state/store/level-store.ts';
import type { Log } from '../../../topology/engine/ports.ts';
import type { TaskSpec } from '../../../topology/engine/tasks.ts';
import { ENTITY_STORE } from '../../../topology/topology.ts';
import { defineCommand, type ExitCode, type Io, usageError } from '../command.ts';
import { CONFIG_OPTION } from '../options.ts';
import { projectSettings } from '../settings.ts';
import { subcommand } from '../subcommand.ts';

export const state = defineCommand({
  name: 'state',
  summary: 'Shows what tasks remember, or one entity; exports it',
  usage: 'inspect [-c FILE] [--user ID | --entity TYPE/ID] [--local] [--json] | export [-c FILE] --out FILE',
  options: {
    config: CONFIG_OPTION,
    user: { type: 'string', value: 'ID', description: 'inspect: the document of this user' },
    entity: { type: 'string', value: 'TYPE/ID', description: 'inspect: the document of this entity' },
    local: { type: 'boolean', description: "inspect: also this machine's state folders; the worker must be stopped" },
    out: { type: 'string', value: 'FILE', description: 'export: where to; what is there is replaced' },
    json: { type: 'boolean', description: 'inspect: one JSON object a line' },
  },
  run: async ({ values, positionals }, io) => {
    const word = subcommand('state', positionals, ['inspect', 'export']);
    const key = word === 'inspect' ? entityOf(values) : undefined;
    if (word === 'export' && values.out === undefined) throw usageError('state export: say where to, with --out FILE');
    const { config } = projectSettings({ file: values.config, paths: [] }, io);
    const project = loadFlawlessProject({ paths: [config.rules], folder: io.folder, config, needsTemplates: false });
    const job = jobOf(config, project, systemClock);
    const isLocal = values.local === true;
    try {
      // With the log's lock no worker can start meanwhile and find its state in use.
      const log = await (isLocal ? openExistingLog : openLogReadOnly)(config, systemClock);
      try {
        const all = await readTasks(log, job.topology, config.application);
        const rules = project.rules.ruleSet;
        const isJson = values.json === true;
        if (values.out !== undefined && word === 'export') {
          return await exportTo(resolve(io.folder, values.out), log, all.filter(hasEntities), rules, io);
        }
        if (key !== undefined) return await showEntity(key, log, all.filter(hasEntities), rules, isJson, io);
        for (const task of all) {
          const local = isLocal ? await readLocal(config, task) : undefined;
          io.stdout.write(textOf(await taskState(log, task, config.application), local, isJson));
        }
        return 0;
      } finally {
        await log.close();
      }
    } finally {
      await job.close();
    }
  },
});

/** The document's key; undefined when none was asked for. */
function entityOf({ user, entity }: { user?: string; entity?: string }): string | undefined {
  if (user !== undefined && entity !== undefined) throw usageError('state inspect: give --user or --entity, not both');
  if (user !== undefined) return entityKey('user', user);
  if (entity !== undefined && !/^[^/]+\/./s.test(entity)) {
    throw usageError(`state inspect: --entity ${entity} is not TYPE/ID, such as device/d-17`);
  }
  return entity;
}

function hasEntities({ part }: TaskSpec): boolean {
  return part.name === ENTITY_STORE;
}

async function exportTo(file: string, log: Log, tasks: readonly TaskSpec[], rules: RuleSet, io: Io): Promise<ExitCode> {
  const documents = await exportEntities(log, tasks, rules, file);
  io.stdout.write(`documents written to ${file}: ${documents}\n`);
  return 0;
}

/** In any task: a producer with another partitioner than ours decides where its keys are. */
async function showEntity(
  key: string,
  log: Log,
  tasks: readonly TaskSpec[],
  rules: RuleSet,
  isJson: boolean,
  io: Io,
): Promise<ExitCode> {
  let found = 0;
  for (const { id, part, changelog } of tasks) {
    if (changelog === null) continue;
    const stored = await foldDocument<EntityDocument>(log, changelog, part.store!.spec.documents, key);
    if (stored === undefined) continue;
    found++;
    io.stdout.write(`${JSON.stringify(entityJson(id, stored, rules), null, isJson ? undefined : 2)}\n`);
  }
  if (found === 0) io.stderr.write(`nothing is remembered of ${key}\n`);
  return found === 0 ? 1 : 0;
}

/** Null where this machine has none. */
async function readLocal(config: Config, { id, changelog }: TaskSpec): Promise<LocalState | null> {
  const folder = stateFolder(config, id);
  if (changelog === null || !existsSync(folder)) return null;
  const store = await LevelStore.open(folder);
  try {
    return localState(store);
  } finally {
    await store.close();
  }
}

function textOf(task: TaskState, local: LocalState | null | undefined, isJson: boolean): string {
  const { inputs, state: size } = task;
  if (isJson) {
    const stateJson = size === null ? null : { ...size, earliestDue: timeJson(size.earliestDue) };
    const streamTime = timeJson(task.streamTime ?? -1);
    return `${JSON.stringify({ ...task, streamTime, state: stateJson, ...(local !== undefined && { local }) })}\n`;
  }
  const time = task.streamTime === null ? '' : `  stream time ${timeJson(task.streamTime)}`;
  const lines = [`${task.task}${time}`];
  for (const { topic, partition, committed, end, waiting } of inputs) {
    lines.push(`  reads ${topic}/${partition}  at ${committed ?? 'its first record'} of ${end}, ${waiting} waiting`);
  }
  if (size !== null) {
    const { documents, bytes, due, earliestDue, changelog } = size;
    const next = due === 0 ? '' : ` (the first at ${timeJson(earliestDue)})`;
    lines.push(`  keeps documents: ${documents}, bytes: ${bytes}, due: ${due}${next}`);
    lines.push(`  changelog from ${changelog.first} to ${changelog.end}`);
    if (local === null) lines.push('  no state folder here: a start restores all of it');
    else if (local !== undefined) {
      const behind = Math.max(0, changelog.end - local.offset);
      lines.push(`  state folder of ${local.owner ?? 'nobody yet'} at ${local.offset}: a start restores ${behind}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

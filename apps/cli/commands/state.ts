// `tripline state`: what the tasks remember, as the worker knows it that runs, or else as their changelogs have it.

import { createWriteStream, existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describeError, FatalError } from '../../../lib/errors.ts';
import { stateFolder } from '../../../services/job/open-log.ts';
import type { OpenContext } from '../../../services/open-context.ts';
import { resultOf } from '../../../services/operation.ts';
import { type Services, servicesHere } from '../../../services/operations.ts';
import type { EntityQuestion } from '../../../services/state/entity.ts';
import { type LocalState, localState, type TaskState } from '../../../services/state/tasks.ts';
import { LevelStore } from '../../../state/store/level-store.ts';
import { asking, withContext } from '../asking.ts';
import { defineCommand, type ExitCode, type Io, usageError } from '../command.ts';
import { CONFIG_OPTION, entityOption } from '../options.ts';
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
    const entity = word === 'inspect' ? entityOption('state inspect', values) : undefined;
    if (word === 'export' && values.out === undefined) throw usageError('state export: say where to, with --out FILE');
    const isJson = values.json === true;
    if (values.local === true) return withContext(values.config, io, (context) => showLocal(context, isJson, io));
    return asking(values.config, io, async ({ services }) => {
      if (word === 'export') return exportTo(resolve(io.folder, values.out!), services, io);
      if (entity !== undefined) return showEntity(entity, services, isJson, io);
      await resultOf(services.ask('state.tasks', {}, io.signal), (task) => {
        io.stdout.write(isJson ? `${JSON.stringify(task)}\n` : textOf(task));
      });
      return 0;
    });
  },
});

async function showEntity(entity: EntityQuestion, services: Services, isJson: boolean, io: Io): Promise<ExitCode> {
  const { documents } = await resultOf(services.ask('state.entity', entity, io.signal));
  for (const document of documents) {
    io.stdout.write(`${JSON.stringify(document, null, isJson ? undefined : 2)}\n`);
  }
  if (documents.length > 0) return 0;
  io.stderr.write(`nothing is remembered of ${entity.type}/${entity.id}\n`);
  return 1;
}

/** What is known of people is for the operator's eyes only. */
const FILE_MODE = 0o600;
/** Characters written at a time: a write for every line would take longer than making it. */
const CHUNK_LENGTH = 64 * 1024;

async function exportTo(file: string, services: Services, io: Io): Promise<ExitCode> {
  let documents = 0;
  const chunks = async function* (): AsyncGenerator<string> {
    let chunk = '';
    for await (const document of services.ask('state.export', {}, io.signal)) {
      documents++;
      chunk += `${JSON.stringify(document)}\n`;
      if (chunk.length < CHUNK_LENGTH) continue;
      yield chunk;
      chunk = '';
    }
    yield chunk;
  };
  try {
    await pipeline(Readable.from(chunks()), createWriteStream(file, { mode: FILE_MODE }));
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    throw new FatalError('TRG_LOG_FULL', `${file} cannot be written: ${describeError(error)}`, { file }, error);
  }
  io.stdout.write(`documents written to ${file}: ${documents}\n`);
  return 0;
}

async function showLocal(context: OpenContext, isJson: boolean, io: Io): Promise<ExitCode> {
  // With the log's lock no worker can start meanwhile and find its state in use.
  await context.writableLog();
  for await (const task of servicesHere(context).ask('state.tasks', {}, io.signal)) {
    const local = await readLocal(context, task);
    io.stdout.write(isJson ? `${JSON.stringify({ ...task, local })}\n` : textOf(task, local));
  }
  return 0;
}

/** Null where this machine has none. */
async function readLocal({ config }: OpenContext, { task, state }: TaskState): Promise<LocalState | null> {
  const folder = stateFolder(config, task);
  if (state === null || !existsSync(folder)) return null;
  const store = await LevelStore.open(folder);
  try {
    return localState(store);
  } finally {
    await store.close();
  }
}

function textOf({ task, inputs, streamTime, state: size }: TaskState, local?: LocalState | null): string {
  const lines = [`${task}${streamTime === null ? '' : `  stream time ${streamTime}`}`];
  for (const { topic, partition, committed, end, waiting } of inputs) {
    lines.push(`  reads ${topic}/${partition}  at ${committed ?? 'its first record'} of ${end}, ${waiting} waiting`);
  }
  if (size !== null) {
    const { documents, bytes, due, earliestDue, changelog } = size;
    const next = due === 0 ? '' : ` (the first at ${earliestDue})`;
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

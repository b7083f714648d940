// `tripline dlq`: the dead letters, and sending them again once what was wrong is mended.

import { isUtf8 } from 'node:buffer';
import { asBuffer } from '../../../lib/bytes.ts';
import { systemClock } from '../../../lib/clock.ts';
import { ERROR_CODES } from '../../../lib/errors.ts';
import { didYouMean } from '../../../lib/suggest.ts';
import type { JsonObject } from '../../../schemas/json.ts';
import type { Config } from '../../../services/config/index.ts';
import {
  deadLetters,
  type FoundLetter,
  type LetterFilter,
  replayLetters,
} from '../../../services/dead-letters/dead-letters.ts';
import { openExistingLog, openLogReadOnly } from '../../../services/job/open-log.ts';
import { publicTopics } from '../../../topology/topics.ts';
import { defineCommand, type ExitCode, type Io, usageError } from '../command.ts';
import { CONFIG_OPTION } from '../options.ts';
import { projectSettings } from '../settings.ts';
import { subcommand } from '../subcommand.ts';

export const dlq = defineCommand({
  name: 'dlq',
  summary: 'Lists dead letters and why; sends them again',
  usage:
    'list [-c FILE] [--reason CODE] [--offset P:O] [--all] [--json] | replay [-c FILE] [--reason CODE] [--offset P:O]',
  options: {
    config: CONFIG_OPTION,
    reason: { type: 'string', value: 'CODE', description: 'Given up for this reason, such as TRG_RECORD_INVALID' },
    offset: { type: 'string', value: 'P:O', description: 'The one at this partition and offset, as `list` shows them' },
    all: { type: 'boolean', description: 'list: also those replayed already' },
    json: { type: 'boolean', description: 'list: one JSON object a line, with the record itself' },
  },
  run: async ({ values, positionals }, io) => {
    const word = subcommand('dlq', positionals, ['list', 'replay']);
    const filter = filterOf(values);
    const { config } = projectSettings({ file: values.config, paths: [] }, io);
    if (word === 'replay') return replay(config, filter, io);
    return list(config, filter, { isAll: values.all === true, isJson: values.json === true }, io);
  },
});

function filterOf({ reason, offset }: { reason?: string; offset?: string }): LetterFilter {
  if (reason !== undefined && !Object.hasOwn(ERROR_CODES, reason)) {
    const hint = didYouMean(reason, Object.keys(ERROR_CODES)) ?? 'docs/errors.md lists the codes';
    throw usageError(`dlq: --reason ${reason} is no code`, hint);
  }
  const at = offset === undefined ? null : /^(\d{1,9}):(\d{1,15})$/.exec(offset);
  if (at === null && offset !== undefined) {
    throw usageError(`dlq: --offset ${offset} is not PARTITION:OFFSET, such as 0:12`);
  }
  return {
    ...(reason !== undefined && { reason }),
    ...(at !== null && { at: { partition: Number(at[1]), offset: Number(at[2]) } }),
  };
}

async function list(
  config: Config,
  filter: LetterFilter,
  { isAll, isJson }: { isAll: boolean; isJson: boolean },
  io: Io,
): Promise<ExitCode> {
  const log = await openLogReadOnly(config, systemClock);
  try {
    for await (const found of deadLetters(log, publicTopics(config.topics.prefix).deadLetter, filter)) {
      if (found.replayed && !isAll) continue;
      io.stdout.write(`${isJson ? JSON.stringify(letterJson(found)) : row(found)}\n`);
    }
  } finally {
    await log.close();
  }
  return 0;
}

async function replay(config: Config, filter: LetterFilter, io: Io): Promise<ExitCode> {
  const log = await openExistingLog(config, systemClock);
  try {
    const group = `${config.application}-dlq`;
    const writer = await log.openWriter(group);
    try {
      const { replayed, homeless } = await replayLetters(log, writer, {
        topic: publicTopics(config.topics.prefix).deadLetter,
        group,
        filter,
      });
      io.stdout.write(`dead letters replayed: ${replayed}\n`);
      for (const [home, count] of homeless) {
        io.stderr.write(`${count} not replayed: the partition ${home} that they came from does not exist\n`);
      }
      if (filter.at !== undefined && replayed === 0 && homeless.size === 0) {
        const { partition, offset } = filter.at;
        io.stderr.write(`at ${partition}:${offset} is no such dead letter, or it was replayed before\n`);
        return 1;
      }
      return homeless.size === 0 ? 0 : 1;
    } finally {
      await writer.close();
    }
  } finally {
    await log.close();
  }
}

function row({ letter, partition, offset, replayed }: FoundLetter): string {
  const at = new Date(letter.at).toISOString();
  const from = `${letter.topic}/${letter.partition}@${letter.offset}`;
  return `${partition}:${offset}  ${at}  ${letter.reason}  ${from}  ${letter.message}${replayed ? ' (replayed)' : ''}`;
}

function letterJson({ letter, partition, offset, replayed }: FoundLetter): JsonObject {
  return {
    partition,
    offset,
    at: new Date(letter.at).toISOString(),
    reason: letter.reason,
    message: letter.message,
    replayed,
    from: { topic: letter.topic, partition: letter.partition, offset: letter.offset },
    key: bytesJson(letter.key),
    value: bytesJson(letter.value),
    headers: letter.headers.map(({ name, value }) => ({ name, value: bytesJson(value) })),
  };
}

/** Text as it is; other bytes as `{"base64": …}`. */
function bytesJson(bytes: Uint8Array | null): string | null | { readonly base64: string } {
  if (bytes === null) return null;
  const buffer = asBuffer(bytes);
  return isUtf8(buffer) ? buffer.toString('utf8') : { base64: buffer.toString('base64') };
}

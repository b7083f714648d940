// `tripline dlq`: the dead letters, and sending them again once what was wrong is mended.

import { ERROR_CODES, type ErrorCode } from '../../../lib/errors.ts';
import { didYouMean } from '../../../lib/suggest.ts';
import type { LetterJson, ReplayLetters } from '../../../services/dead-letters/letters.ts';
import { resultOf } from '../../../services/operation.ts';
import type { Services } from '../../../services/operations.ts';
import { asking } from '../asking.ts';
import { defineCommand, type ExitCode, type Io, usageError } from '../command.ts';
import { CONFIG_OPTION, timeOption } from '../options.ts';
import { subcommand } from '../subcommand.ts';

export const dlq = defineCommand({
  name: 'dlq',
  summary: 'Lists dead letters and why; sends them again',
  usage:
    'list | replay [-c FILE] [--reason CODE] [--channel NAME] [--since TIME] [--offset P:O]; list: [--all] [--json]',
  options: {
    config: CONFIG_OPTION,
    reason: { type: 'string', value: 'CODE', description: 'Given up for this reason, such as TRG_RECORD_INVALID' },
    channel: { type: 'string', value: 'NAME', description: 'Actions of this channel that could not be delivered' },
    since: { type: 'string', value: 'TIME', description: 'Given up from this time on (ISO-8601)' },
    offset: { type: 'string', value: 'P:O', description: 'The one at this partition and offset, as `list` shows them' },
    all: { type: 'boolean', description: 'list: also those replayed already' },
    json: { type: 'boolean', description: 'list: one JSON object a line, with the record itself' },
  },
  run: async ({ values, positionals }, io) => {
    const word = subcommand('dlq', positionals, ['list', 'replay']);
    const filter = filterOf(values);
    const { json: isJson = false, all: withReplayed = false } = values;
    return asking(values.config, io, async ({ services }) => {
      if (word === 'replay') return replay(services, filter, io);
      let shown = 0;
      await resultOf(services.ask('dead-letters.list', { ...filter, withReplayed }, io.signal), (letter) => {
        shown++;
        io.stdout.write(`${isJson ? JSON.stringify(letter) : row(letter)}\n`);
      });
      if (shown === 0 && !isJson) io.stderr.write('dlq list: none\n');
      return 0;
    });
  },
});

interface Filter {
  readonly reason?: string;
  readonly channel?: string;
  readonly since?: string;
  readonly offset?: string;
}

function filterOf({ reason, channel, offset, ...values }: Filter): ReplayLetters {
  const since = timeOption('dlq', 'since', values.since);
  if (reason !== undefined && !Object.hasOwn(ERROR_CODES, reason)) {
    const hint = didYouMean(reason, Object.keys(ERROR_CODES)) ?? 'docs/errors.md lists the codes';
    throw usageError(`dlq: --reason ${reason} is no code`, hint);
  }
  const at = offset === undefined ? null : /^(\d{1,9}):(\d{1,15})$/.exec(offset);
  if (at === null && offset !== undefined) {
    throw usageError(`dlq: --offset ${offset} is not PARTITION:OFFSET, such as 0:12`);
  }
  return {
    ...(reason !== undefined && { reason: reason as ErrorCode }),
    ...(channel !== undefined && { channel }),
    ...(since !== undefined && { since }),
    ...(at !== null && { at: { partition: Number(at[1]), offset: Number(at[2]) } }),
  };
}

async function replay(services: Services, filter: ReplayLetters, io: Io): Promise<ExitCode> {
  const { replayed, homeless } = await resultOf(services.ask('dead-letters.replay', filter, io.signal));
  io.stdout.write(`dead letters replayed: ${replayed}\n`);
  for (const { home, letters } of homeless) {
    io.stderr.write(`${letters} not replayed: the partition ${home} that they came from does not exist\n`);
  }
  if (filter.at !== undefined && replayed === 0 && homeless.length === 0) {
    const { partition, offset } = filter.at;
    io.stderr.write(`at ${partition}:${offset} is no such dead letter, or it was replayed before\n`);
    return 1;
  }
  return homeless.length === 0 ? 0 : 1;
}

function row({ partition, offset, at, reason, from, message, replayed }: LetterJson): string {
  const place = `${from.topic}/${from.partition}@${from.offset}`;
  return `${partition}:${offset}  ${at}  ${reason}  ${place}  ${message}${replayed ? ' (replayed)' : ''}`;
}

// `tripline channels`: which channels are in use, turning them off and on, sending now what waits, and a test message.

import type { ChannelJson } from '../../../services/channels/channels.ts';
import type { ChannelTested } from '../../../services/channels/test-channel.ts';
import { resultOf } from '../../../services/operation.ts';
import { asking } from '../asking.ts';
import { defineCommand, type ExitCode, type Io, usageError } from '../command.ts';
import { CONFIG_OPTION } from '../options.ts';
import { subcommand } from '../subcommand.ts';

const WORDS = ['list', 'enable', 'disable', 'retry', 'test'] as const;

export const channels = defineCommand({
  name: 'channels',
  summary: 'Shows channels and their states; turns them off and on, retries, tests',
  usage: 'list | enable NAME | disable NAME [--reason TEXT] | retry NAME | test NAME --user ID  [-c FILE] [--json]',
  options: {
    config: CONFIG_OPTION,
    user: { type: 'string', value: 'ID', description: 'test: the user who gets the message' },
    reason: { type: 'string', value: 'TEXT', description: 'disable: why, for whoever looks at the list' },
    json: { type: 'boolean', description: 'JSON: list one object a line, the others one' },
  },
  run: async ({ values, positionals }, io) => {
    const [word, name, ...rest] = positionals;
    const what = subcommand('channels', word === undefined ? [] : [word], WORDS);
    const takesName = what !== 'list';
    if (takesName && name === undefined) throw usageError(`channels ${what}: say which channel`);
    if (rest.length > 0 || (!takesName && name !== undefined)) {
      throw usageError(`channels ${what}: takes no "${takesName ? rest[0] : name}"`);
    }
    const { user, reason, json: isJson = false } = values;
    if (what === 'test' && user === undefined) throw usageError('channels test: --user is needed');
    return asking(values.config, io, async ({ services }) => {
      if (what === 'list') {
        for (const channel of await resultOf(services.ask('channels.list', {}, io.signal))) show(channel, isJson, io);
        return 0;
      }
      if (what === 'test') {
        const input = { channel: name!, user: user! };
        return showTest(await resultOf(services.ask('channels.test', input, io.signal)), isJson, io);
      }
      const input = { channel: name!, change: what, ...(reason !== undefined && { reason }) };
      show(await resultOf(services.ask('channels.change', input, io.signal)), isJson, io);
      return 0;
    });
  },
});

function show(channel: ChannelJson, isJson: boolean, io: Io): void {
  const { channel: name, type, state, reason, at, by } = channel;
  const kind = type === name ? '' : ` (${type})`;
  const since = at === null ? '' : `  since ${at}, by ${by}`;
  const why = reason === null ? '' : `: ${reason}`;
  io.stdout.write(isJson ? `${JSON.stringify(channel)}\n` : `${name}${kind}  ${state}${since}${why}\n`);
}

function showTest(tested: ChannelTested, isJson: boolean, io: Io): ExitCode {
  const { channel, outcome, reason, message, action } = tested;
  const isFine = outcome === 'delivered' || reason === 'sandbox';
  if (isJson) {
    io.stdout.write(`${JSON.stringify(tested)}\n`);
  } else {
    const to = message === null || message.to === null ? '' : ` to ${message.to}`;
    if (reason === 'sandbox') io.stdout.write(`${channel}: rendered${to}, and not sent: the mode is sandbox\n`);
    else io.stdout.write(`${channel}: ${outcome}${to}${reason === null ? '' : ` (${reason})`}, action ${action}\n`);
    if (message !== null) io.stdout.write(`${JSON.stringify(message.content, null, 2)}\n`);
  }
  return isFine ? 0 : 1;
}

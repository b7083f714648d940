// `tripline log recover`: what is lost of a damaged embedded log, and going on without it.

import { loadConfig } from '../../../services/config/index.ts';
import { repairLog } from '../../../services/job/repair-log.ts';
import { defineCommand } from '../command.ts';
import { CONFIG_OPTION } from '../options.ts';
import { subcommand } from '../subcommand.ts';

export const log = defineCommand({
  name: 'log',
  summary: 'Shows what is lost of a damaged embedded log, and goes on without it',
  usage: 'recover [-c tripline.yaml] [--accept-loss] [--json]',
  options: {
    config: CONFIG_OPTION,
    'accept-loss': { type: 'boolean', description: 'Goes on without what is lost; without it nothing is changed' },
    json: { type: 'boolean', description: 'One JSON object' },
  },
  run: async ({ values, positionals }, io) => {
    subcommand('log', positionals, ['recover']);
    const { config } = loadConfig({ file: values.config, env: io.env, folder: io.folder, withoutSecrets: true });
    const isAccepted = values['accept-loss'] === true;
    const repair = await repairLog(config, isAccepted);
    const { missingCommits, unreadableBytes, lost, kept } = repair;
    const isWhole = missingCommits + unreadableBytes + lost.length + kept.length === 0;
    if (values.json === true) {
      io.stdout.write(`${JSON.stringify({ ...repair, accepted: isAccepted })}\n`);
      return isWhole || isAccepted ? 0 : 1;
    }
    if (isWhole) {
      io.stdout.write('The log is whole: nothing is lost.\n');
      return 0;
    }
    if (missingCommits > 0)
      io.stdout.write(`${missingCommits} acknowledged commits are not in the commit log any more\n`);
    if (unreadableBytes > 0) io.stdout.write(`${unreadableBytes} bytes of the commit log cannot be read\n`);
    for (const { topic, partition, from, to } of lost) {
      io.stdout.write(`lost  ${topic}/${partition}  offsets ${from} to ${to - 1}, ${to - from} of them\n`);
    }
    for (const { topic, partition, from, to } of kept) {
      io.stdout.write(`kept  ${topic}/${partition}  offsets ${from} to ${to - 1}: events, to be processed again\n`);
    }
    if (isAccepted) {
      io.stdout.write('The log goes on without what is lost.\n');
      return 0;
    }
    io.stdout.write('Nothing was changed. To go on without what is lost: tripline log recover --accept-loss\n');
    return 1;
  },
});

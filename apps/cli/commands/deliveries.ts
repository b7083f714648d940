// `tripline deliveries`: what became of actions, from the log, whether or not a worker has it open.

import { DELIVERY_OUTCOMES } from '../../../schemas/delivery.ts';
import type { DeliveryJson } from '../../../services/deliveries/query.ts';
import { resultOf } from '../../../services/operation.ts';
import type { Services } from '../../../services/operations.ts';
import { asking } from '../asking.ts';
import { defineCommand, type ExitCode, type Io } from '../command.ts';
import { CONFIG_OPTION, choiceOption, countOption, timeOption } from '../options.ts';

export const deliveries = defineCommand({
  name: 'deliveries',
  summary: 'Shows what became of actions: delivered, failed, skipped and why; and what was sent',
  usage:
    '[-c FILE] [--user ID] [--rule ID] [--channel NAME] [--outcome OUTCOME] [--since TIME] [--limit N] [--follow] [--json] | --show ACTION',
  options: {
    config: CONFIG_OPTION,
    user: { type: 'string', value: 'ID', description: 'To this user only' },
    rule: { type: 'string', value: 'ID', description: 'Of this rule only' },
    channel: { type: 'string', value: 'NAME', description: 'Over this channel only' },
    outcome: { type: 'string', value: 'OUTCOME', description: `Only those: ${DELIVERY_OUTCOMES.join(', ')}` },
    since: { type: 'string', value: 'TIME', description: 'From this time on (ISO-8601)' },
    limit: { type: 'string', value: 'N', description: 'The last N; with --follow these first' },
    follow: { type: 'boolean', short: 'f', description: 'New ones as they come, until Ctrl-C' },
    show: { type: 'string', value: 'ACTION', description: 'What this action said, word by word (`archive`)' },
    json: { type: 'boolean', description: 'One JSON object a line' },
  },
  run: async ({ values }, io) => {
    const { show: action, json: isJson = false } = values;
    const query = queryOf(values);
    return asking(values.config, io, async ({ services }) => {
      if (action !== undefined) return showMessage(services, action, isJson, io);
      try {
        const name = values.follow === true ? 'deliveries.follow' : 'deliveries.query';
        let shown = 0;
        await resultOf(services.ask(name, query, io.signal), (delivery) => {
          shown++;
          io.stdout.write(`${isJson ? JSON.stringify(delivery) : rowOf(delivery)}\n`);
        });
        if (shown === 0 && !isJson) io.stderr.write('deliveries: none; what is still tried is told by `decisions`\n');
      } catch (error) {
        // Who follows says so when it is enough.
        if (values.follow !== true || !io.signal.aborted) throw error;
      }
      return 0;
    });
  },
});

async function showMessage(services: Services, action: string, isJson: boolean, io: Io): Promise<ExitCode> {
  const message = await resultOf(services.ask('deliveries.message', { action }, io.signal));
  if (message === null) {
    io.stderr.write(
      `of the action ${action} no message is kept: it was not sent, or longer ago than \`archive\` says\n`,
    );
    return 1;
  }
  if (isJson) {
    io.stdout.write(`${JSON.stringify(message)}\n`);
    return 0;
  }
  const { at, channel, outcome, to, rule, entity, content } = message;
  const where = to === null ? '' : ` to ${to.value}`;
  io.stdout.write(`${at}  ${channel}  ${outcome}${where}  ${rule}  ${entity.type}/${entity.id}\n`);
  for (const [name, value] of Object.entries(content)) {
    if (value === null) continue;
    const text = typeof value === 'string' ? value : JSON.stringify(value, null, 2);
    io.stdout.write(text.includes('\n') ? `${name}:\n${text}\n` : `${name}: ${text}\n`);
  }
  return 0;
}

interface Values {
  readonly user?: string;
  readonly rule?: string;
  readonly channel?: string;
  readonly outcome?: string;
  readonly since?: string;
  readonly limit?: string;
}

function queryOf({ user, rule, channel, outcome, ...values }: Values) {
  const since = timeOption('deliveries', 'since', values.since);
  const limit = countOption('deliveries', 'limit', values.limit);
  return {
    ...(user !== undefined && { user }),
    ...(rule !== undefined && { rule }),
    ...(channel !== undefined && { channel }),
    ...(outcome !== undefined && { outcome: choiceOption('deliveries', 'outcome', outcome, DELIVERY_OUTCOMES)! }),
    ...(since !== undefined && { since }),
    ...(limit !== undefined && { limit }),
  };
}

function rowOf({ at, channel, outcome, reason, rule, entity, attempts, action }: DeliveryJson): string {
  const why = reason === null ? '' : ` (${reason})`;
  const tries = attempts > 1 ? `, ${attempts} attempts` : '';
  return `${at}  ${rule}  ${entity.type}/${entity.id}  ${channel}  ${outcome}${why}${tries}  ${action}`;
}

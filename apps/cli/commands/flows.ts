// `tripline flows`: which flows live and where they wait, of a user or of a rule; and cancelling them.

import { stepInWords } from '../../../services/flows/program-words.ts';
import { resultOf } from '../../../services/operation.ts';
import type { InputOf, Services } from '../../../services/operations.ts';
import type { FlowJson } from '../../../services/state/flow-json.ts';
import { asking } from '../asking.ts';
import { defineCommand, type ExitCode, type Io, usageError } from '../command.ts';
import { CONFIG_OPTION, entityOption } from '../options.ts';
import { subcommand } from '../subcommand.ts';

export const flows = defineCommand({
  name: 'flows',
  summary: 'Shows which flows live, where they wait and how they ended; cancels them',
  usage:
    '--user ID | --entity TYPE/ID | --rule ID  [--waiting] [--json] | cancel --rule ID (--user ID | --entity TYPE/ID | --all) [--by TEXT]  [-c FILE]',
  options: {
    config: CONFIG_OPTION,
    user: { type: 'string', value: 'ID', description: 'Of this user' },
    entity: { type: 'string', value: 'TYPE/ID', description: 'Of this entity' },
    rule: { type: 'string', value: 'ID', description: 'Of this rule' },
    waiting: { type: 'boolean', description: 'Only those that live' },
    all: { type: 'boolean', description: 'cancel: all of the rule that live' },
    by: { type: 'string', value: 'TEXT', description: 'cancel: who does it, for the record; default: command' },
    json: { type: 'boolean', description: 'One JSON object a line' },
  },
  run: async ({ values, positionals }, io) => {
    const isCancel = positionals.length > 0 && subcommand('flows', positionals, ['cancel']) === 'cancel';
    const what = isCancel ? 'flows cancel' : 'flows';
    const entity = entityOption(what, values);
    const { rule, waiting, all, by, json = false } = values;
    for (const [name, value] of Object.entries(isCancel ? { waiting } : { all, by })) {
      if (value !== undefined) throw usageError(`${what}: takes no --${name}`);
    }
    if (isCancel) {
      if (rule === undefined) throw usageError('flows cancel: --rule is needed');
      if ((entity === undefined) === (all === undefined)) {
        throw usageError('flows cancel: say whose, with --user or --entity, or --all');
      }
      const asked = { rule, by: by ?? 'command', ...(entity === undefined ? { all: true as const } : { entity }) };
      return asking(values.config, io, async ({ services }) => {
        const { cancelled } = await resultOf(services.ask('flows.cancel', asked, io.signal));
        io.stdout.write(json ? `${JSON.stringify({ cancelled })}\n` : `flows of ${rule} cancelled: ${cancelled}\n`);
        return cancelled > 0 ? 0 : 1;
      });
    }
    if (entity === undefined && rule === undefined)
      throw usageError('flows: say of whom, with --user, --entity or --rule');
    const question = {
      ...(entity !== undefined && { entity }),
      ...(rule !== undefined && { rule }),
      ...(waiting !== undefined && { waiting }),
    };
    return asking(values.config, io, ({ services }) => list(services, question, json, io));
  },
});

async function list(services: Services, question: InputOf<'flows.list'>, isJson: boolean, io: Io): Promise<ExitCode> {
  const { flows: found } = await resultOf(services.ask('flows.list', question, io.signal), (flow) => {
    io.stdout.write(isJson ? `${JSON.stringify(flow)}\n` : textOf(flow));
  });
  if (found > 0) return 0;
  io.stderr.write('there is no such flow\n');
  return 1;
}

function textOf({ flow, rule, entity, startedAt, step, variant, ended }: FlowJson): string {
  const chosen = variant === null ? '' : `  variant ${variant}`;
  const lines = [
    `${rule}  ${entity.type}/${entity.id}  began ${startedAt ?? 'before what is kept'}${chosen}  (${flow})`,
  ];
  if (ended !== null) {
    lines.push(`  ended ${ended.at}  ${ended.reason}${ended.by === null ? '' : ` by ${ended.by}`}`);
  } else if (step !== null) {
    lines.push(`  at ${stepInWords(step)} since ${step.since}, until ${step.until}`);
    if (step.waitsFor !== null) lines.push(`  waits for ${step.waitsFor}`);
  }
  return `${lines.join('\n')}\n`;
}

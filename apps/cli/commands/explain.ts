// `tripline explain`: why a rule fired for someone, or did not, from the log or from a file of events.

import { resolve } from 'node:path';
import type { Explained, ExplainQuestion } from '../../../services/explain/explain.ts';
import { explainFile } from '../../../services/explain/explain-file.ts';
import { textOf } from '../../../services/explain/text.ts';
import { resultOf } from '../../../services/operation.ts';
import { loadFlawlessProject } from '../../../services/project/load-project.ts';
import { asking } from '../asking.ts';
import { defineCommand, type ExitCode, type Io, usageError } from '../command.ts';
import { CONFIG_OPTION, ENCODING_OPTION, encodingOption, timeOption } from '../options.ts';
import { projectSettings } from '../settings.ts';
import { troublesOf } from '../troubles.ts';

export const explain = defineCommand({
  name: 'explain',
  summary: 'Tells why a rule fired for someone, or why not',
  usage:
    '--rule ID --user ID [--entity TYPE] [--at TIME] [-c FILE] [--events FILE [--mapping FILE] [--encoding NAME]] [--json]',
  options: {
    rule: { type: 'string', value: 'ID', description: 'The rule' },
    user: { type: 'string', value: 'ID', description: 'The user, or with --entity the id of that' },
    entity: { type: 'string', value: 'TYPE', description: "Of what the id is; default: the rule's entity" },
    at: { type: 'string', value: 'TIME', description: 'As of this event time; default: all that was read' },
    events: { type: 'string', value: 'FILE', description: 'From this file, replayed, instead of the log' },
    mapping: { type: 'string', value: 'FILE', description: 'How the columns of a CSV file are to be read' },
    encoding: ENCODING_OPTION,
    config: CONFIG_OPTION,
    json: { type: 'boolean', description: 'One JSON object' },
  },
  run: async ({ values }, io) => {
    const { rule, user: id, entity: type, events } = values;
    if (rule === undefined || id === undefined) throw usageError('explain: --rule and --user are needed');
    const at = timeOption('explain', 'at', values.at);
    const question = { rule, id, ...(type !== undefined && { type }), ...(at !== undefined && { at }) };
    const isJson = values.json === true;
    if (events !== undefined) {
      const explained = await fromFile(question, { ...values, events }, io);
      return show(explained, events, isJson, io);
    }
    return asking(values.config, io, async ({ services }) => {
      const explained = await resultOf(services.ask('explain', question, io.signal));
      const code = show(explained, 'the log', isJson, io);
      if (isJson || explained.explanation === null) return code;
      const troubles = await troublesOf(services, { rule }, io);
      const own = explained.explanation.steps.flatMap((step) =>
        step.kind === 'decision' ? (troubles.get(step.id) ?? []).map((trouble) => `  ${step.at}  ${trouble}`) : [],
      );
      if (own.length > 0) io.stdout.write(`\nNot delivered:\n${own.join('\n')}\n`);
      return code;
    });
  },
});

interface FileValues {
  readonly config?: string;
  readonly events: string;
  readonly mapping?: string;
  readonly encoding?: string;
}

async function fromFile(
  question: ExplainQuestion,
  { config: file, events, mapping, encoding }: FileValues,
  io: Io,
): Promise<Explained> {
  const fileEncoding = encodingOption('explain', encoding);
  const { config } = projectSettings({ file, paths: [] }, io);
  const project = loadFlawlessProject({ paths: [config.rules], folder: io.folder, config, needsTemplates: false });
  return explainFile({
    ...question,
    config,
    project,
    events: resolve(io.folder, events),
    mapping: mapping === undefined ? undefined : resolve(io.folder, mapping),
    encoding: fileEncoding,
  });
}

function show({ entity, explanation }: Explained, from: string, isJson: boolean, io: Io): ExitCode {
  if (explanation === null) {
    io.stderr.write(`nothing is known of ${entity.type} ${entity.id}: ${from} has no event of it\n`);
    io.stderr.write('  ids are compared letter by letter; --entity says of what the id is\n');
    return 1;
  }
  io.stdout.write(isJson ? `${JSON.stringify(explanation)}\n` : textOf(explanation));
  return 0;
}

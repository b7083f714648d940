// `tripline preview`: the messages of a rule as they would be sent, from a file of events.

import { resolve } from 'node:path';
import { systemClock } from '../../../lib/clock.ts';
import type { Json } from '../../../schemas/json.ts';
import { type PreviewedMessage, preview as previewOf } from '../../../services/preview/preview.ts';
import { loadFlawlessProject } from '../../../services/project/load-project.ts';
import { defineCommand, type Io, usageError } from '../command.ts';
import { CONFIG_OPTION, ENCODING_OPTION, encodingOption } from '../options.ts';
import { projectSettings } from '../settings.ts';

export const preview = defineCommand({
  name: 'preview',
  summary: "Shows a rule's messages as they would be sent",
  usage: 'RULE --data FILE [--user ID] [--mapping FILE] [--encoding NAME] [-c FILE] [--json]',
  options: {
    data: { type: 'string', value: 'FILE', description: 'Events that make it fire: JSON Lines or CSV' },
    user: { type: 'string', value: 'ID', description: 'Of this user; default: of whom it fires for first' },
    mapping: { type: 'string', value: 'FILE', description: 'How the columns of a CSV file are to be read' },
    encoding: ENCODING_OPTION,
    config: CONFIG_OPTION,
    json: { type: 'boolean', description: 'One JSON object a message' },
  },
  run: async ({ values, positionals: [rule, ...rest] }, io) => {
    const { data, user = null, mapping } = values;
    if (rule === undefined) throw usageError('preview: say which rule', 'tripline preview RULE --data FILE');
    if (rest.length > 0) throw usageError(`preview: one rule at a time, so not "${rest[0]}" too`);
    if (data === undefined) {
      throw usageError(
        'preview: --data is needed, a file with events that make the rule fire',
        'what was sent to somebody: tripline deliveries --show ACTION',
      );
    }
    const encoding = encodingOption('preview', values.encoding);
    const { config } = projectSettings({ file: values.config, paths: [] }, io);
    const project = loadFlawlessProject({ paths: [config.rules], folder: io.folder, config });
    const { messages, refused } = await previewOf({
      rule,
      user,
      config,
      project,
      events: resolve(io.folder, data),
      mapping: mapping === undefined ? undefined : resolve(io.folder, mapping),
      encoding,
      clock: systemClock,
    });
    if (refused > 0) io.stderr.write(`preview: ${refused} lines of ${data} cannot be read\n`);
    for (const message of messages) {
      if (values.json === true) io.stdout.write(`${JSON.stringify({ ...message, at: isoOf(message.at) })}\n`);
      else show(message, io);
    }
    if (messages.length === 0) {
      const whom = user === null ? '' : ` to ${user}`;
      io.stderr.write(`preview: ${rule} sends nothing${whom} on the events of ${data}\n`);
      io.stderr.write(`  why not: tripline explain --rule ${rule} --user ${user ?? 'ID'} --events ${data}\n`);
      return 1;
    }
    return messages.some(({ outcome }) => outcome === 'failed') ? 1 : 0;
  },
});

function show({ channel, entity, at, attempt, outcome, reason, to, content, missing }: PreviewedMessage, io: Io): void {
  const turn = attempt === 1 ? '' : `, if ${attempt === 2 ? 'the channel before fails' : 'those before fail'}`;
  const whom = to === null ? '' : ` to ${to}`;
  io.stdout.write(`── ${channel}${whom}  (${entity}, ${isoOf(at)}${turn})\n`);
  if (outcome === 'elsewhere') io.stdout.write('another program delivers this channel, and makes the message\n');
  else if (content === null) io.stdout.write(`${outcome}: ${reason}\n`);
  else for (const [name, value] of Object.entries(content)) io.stdout.write(textOf(name, value));
  if (missing.length > 0) io.stdout.write(`missing, and shown as nothing: ${missing.join(', ')}\n`);
  io.stdout.write('\n');
}

/** Long texts stand below their name, as their reader sees them; what is empty is left out. */
function textOf(name: string, value: Json): string {
  if (value === null || (typeof value === 'object' && Object.keys(value).length === 0)) return '';
  const text = typeof value === 'string' ? value : JSON.stringify(value, null, 2);
  return text.includes('\n') ? `${name}:\n${text.trimEnd()}\n` : `${name}: ${text}\n`;
}

function isoOf(time: number): string {
  return new Date(time).toISOString();
}

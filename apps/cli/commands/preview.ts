// `tripline preview`: the messages of a rule as they would be sent, from a file of events or from what it sent to somebody last.

import { resolve } from 'node:path';
import { systemClock } from '../../../lib/clock.ts';
import type { Json } from '../../../schemas/json.ts';
import { requireName } from '../../../services/names.ts';
import { resultOf } from '../../../services/operation.ts';
import {
  type PreviewedMessage,
  preview as previewOf,
  type RenderOptions,
  renderedActions,
} from '../../../services/preview/preview.ts';
import { loadFlawlessProject } from '../../../services/project/load-project.ts';
import { asking } from '../asking.ts';
import { defineCommand, type ExitCode, type Io, usageError } from '../command.ts';
import { messagePage } from '../message-page.ts';
import { openPage } from '../open-page.ts';
import { CONFIG_OPTION, ENCODING_OPTION, encodingOption } from '../options.ts';
import { projectSettings } from '../settings.ts';

export const preview = defineCommand({
  name: 'preview',
  summary: "Shows a rule's messages as they would be sent",
  usage: 'RULE (--user ID | --data FILE [--user ID] [--mapping FILE] [--encoding NAME]) [--open] [-c FILE] [--json]',
  options: {
    data: { type: 'string', value: 'FILE', description: 'Events that make it fire: JSON Lines or CSV' },
    user: {
      type: 'string',
      value: 'ID',
      description: 'Of this user: of the events in FILE, or what the rule sent last, from the log',
    },
    mapping: { type: 'string', value: 'FILE', description: 'How the columns of a CSV file are to be read' },
    encoding: ENCODING_OPTION,
    open: { type: 'boolean', description: 'In the browser, by a page in a temporary file' },
    config: CONFIG_OPTION,
    json: { type: 'boolean', description: 'One JSON object a message' },
  },
  run: async ({ values, positionals: [rule, ...rest] }, io) => {
    const { data, user = null, mapping } = values;
    if (rule === undefined) throw usageError('preview: say which rule', 'tripline preview RULE --data FILE');
    if (rest.length > 0) throw usageError(`preview: one rule at a time, so not "${rest[0]}" too`);
    if (values.open === true && values.json === true) throw usageError('preview: give --open or --json, not both');
    const { config } = projectSettings({ file: values.config, paths: [] }, io);
    const show = (messages: readonly PreviewedMessage[]) => shown(rule, messages, values, io);
    const load = (): RenderOptions => {
      const project = loadFlawlessProject({ paths: [config.rules], folder: io.folder, config });
      return { config, project, clock: systemClock };
    };
    if (data === undefined) {
      if (user === null) {
        throw usageError(
          'preview: --user is needed, or --data, a file with events that make the rule fire',
          'what was sent to somebody: tripline deliveries --show ACTION',
        );
      }
      if (mapping !== undefined || values.encoding !== undefined) {
        throw usageError('preview: --mapping and --encoding say how the file of --data is to be read');
      }
      return ofLog({ rule, user, config: values.config }, load(), show, io);
    }
    const encoding = encodingOption('preview', values.encoding);
    const { messages, refused } = await previewOf({
      ...load(),
      rule,
      user,
      events: resolve(io.folder, data),
      mapping: mapping === undefined ? undefined : resolve(io.folder, mapping),
      encoding,
    });
    if (refused > 0) io.stderr.write(`preview: ${refused} lines of ${data} cannot be read\n`);
    if (messages.length > 0) return show(messages);
    const whom = user === null ? '' : ` to ${user}`;
    io.stderr.write(`preview: ${rule} sends nothing${whom} on the events of ${data}\n`);
    io.stderr.write(`  why not: tripline explain --rule ${rule} --user ${user ?? 'ID'} --events ${data}\n`);
    return 1;
  },
});

interface OfLog {
  readonly rule: string;
  readonly user: string;
  readonly config: string | undefined;
}

/** What the rule sent last, with the data of then and the templates that are here now. */
function ofLog(
  { rule, user, config }: OfLog,
  options: RenderOptions,
  show: (messages: readonly PreviewedMessage[]) => Promise<ExitCode>,
  io: Io,
): Promise<ExitCode> {
  const { rules, ruleSet } = options.project.rules;
  const ids = rules.map(({ id }) => id);
  requireName('rule', rule, ids);
  const type = ruleSet.rule(rule)!.entity;
  return asking(config, io, async ({ services }) => {
    const actions = await resultOf(services.ask('preview.last', { rule, id: user, type }, io.signal));
    if (actions.length > 0) return show(await renderedActions(actions, options));
    io.stderr.write(`preview: ${rule} has sent nothing to ${user} that the log still has\n`);
    io.stderr.write(`  why not: tripline explain --rule ${rule} --user ${user}\n`);
    io.stderr.write(`  what it would send: tripline preview ${rule} --data FILE\n`);
    return 1;
  });
}

async function shown(
  rule: string,
  messages: readonly PreviewedMessage[],
  { json = false, open = false }: { readonly json?: boolean; readonly open?: boolean },
  io: Io,
): Promise<ExitCode> {
  if (open) {
    const { file, trouble } = await openPage(messagePage(rule, messages), io.env);
    io.stdout.write(`${file}\n`);
    if (trouble !== null) io.stderr.write(`preview: ${trouble}: open the file yourself\n`);
  } else {
    for (const message of messages) {
      if (json) io.stdout.write(`${JSON.stringify({ ...message, at: isoOf(message.at) })}\n`);
      else show(message, io);
    }
  }
  return messages.some(({ outcome }) => outcome === 'failed') ? 1 : 0;
}

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

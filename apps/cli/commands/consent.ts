// `tripline consent`: what a person said of messages, saying it for them, and old lists of those who said no.

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { FatalError } from '../../../lib/errors.ts';
import type { JsonObject } from '../../../schemas/json.ts';
import { importedConsent } from '../../../services/consent/import.ts';
import { resultOf } from '../../../services/operation.ts';
import { asking } from '../asking.ts';
import { defineCommand, type Io, usageError } from '../command.ts';
import { CONFIG_OPTION } from '../options.ts';
import { subcommand } from '../subcommand.ts';

const WORDS = ['set', 'show', 'import'] as const;
/** As many as one question takes. */
const BATCH = 500;

export const consent = defineCommand({
  name: 'consent',
  summary: 'Shows what a person said of messages, says it for them, imports old lists',
  usage:
    'set --user ID [--all true|false] [--category NAME=false…] [--channel NAME=true…] | show --user ID | import FILE.csv  [-c FILE] [--json]',
  options: {
    config: CONFIG_OPTION,
    user: { type: 'string', value: 'ID', description: 'set, show: whose consent' },
    all: {
      type: 'string',
      value: 'true|false',
      description: 'set: every channel that asks consent, and every category',
    },
    category: { type: 'string', multiple: true, value: 'NAME=BOOL', description: 'set: one category' },
    channel: { type: 'string', multiple: true, value: 'NAME=BOOL', description: 'set: one channel' },
    text: { type: 'string', value: 'TEXT', description: 'set: what the person was shown or said: the proof' },
    source: {
      type: 'string',
      value: 'TEXT',
      description: 'set, import: where it was said; default: command, or the file',
    },
    json: { type: 'boolean', description: 'One JSON object' },
  },
  run: async ({ values, positionals }, io) => {
    const [word, file, ...rest] = positionals;
    const what = subcommand('consent', word === undefined ? [] : [word], WORDS);
    if (rest.length > 0 || (what !== 'import' && file !== undefined))
      throw usageError(`consent ${what}: takes no "${rest[0] ?? file}"`);
    const { json: isJson = false, user, source, text } = values;
    if (what === 'import') {
      if (file === undefined) throw usageError('consent import: name the file');
      const { changes, suppressions } = importedConsent(
        file,
        readFile(resolve(io.folder, file)),
        source ?? `import of ${file}`,
      );
      return asking(values.config, io, async ({ services }) => {
        const count = Math.max(changes.length, suppressions.length);
        for (let at = 0; at < count; at += BATCH) {
          const part = [changes.slice(at, at + BATCH), suppressions.slice(at, at + BATCH)] as const;
          await resultOf(services.ask('consent.change', { changes: part[0], suppressions: part[1] }, io.signal));
        }
        const done = { changes: changes.length, suppressions: suppressions.length };
        io.stdout.write(
          isJson
            ? `${JSON.stringify(done)}\n`
            : `consent: ${done.changes} changes, ${done.suppressions} suppressed addresses written\n`,
        );
        return 0;
      });
    }
    if (user === undefined) throw usageError(`consent ${what}: --user is needed`);
    if (what === 'show') {
      return asking(values.config, io, async ({ services }) => {
        const shown = await resultOf(services.ask('consent.show', { user }, io.signal));
        if (isJson) io.stdout.write(`${JSON.stringify(shown)}\n`);
        else show(shown, io);
        return 0;
      });
    }
    const change: JsonObject = {
      userId: user,
      ...(values.all !== undefined && { all: truth('--all', values.all) }),
      ...pairs('--category', 'categories', values.category),
      ...pairs('--channel', 'channels', values.channel),
      source: source ?? 'command',
      ...(text !== undefined && { text }),
    };
    return asking(values.config, io, async ({ services }) => {
      const done = await resultOf(services.ask('consent.change', { changes: [change], suppressions: [] }, io.signal));
      io.stdout.write(isJson ? `${JSON.stringify(done)}\n` : `consent of ${user}: written\n`);
      return 0;
    });
  },
});

function pairs(option: string, field: string, texts: readonly string[] = []): JsonObject {
  if (texts.length === 0) return {};
  const said = texts.map((text): [string, boolean] => {
    const [name, value, ...more] = text.split('=');
    if (name === undefined || name === '' || value === undefined || more.length > 0) {
      throw usageError(`consent set: ${option} ${text} is not NAME=true or NAME=false`);
    }
    return [name, truth(option, value)];
  });
  return { [field]: Object.fromEntries(said) };
}

function truth(option: string, text: string): boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  throw usageError(`consent set: ${option} takes true or false, not ${text}`);
}

interface Shown {
  readonly said: Readonly<Record<string, boolean>>;
  readonly pending: readonly string[];
  readonly changes: readonly { readonly timestamp: string; readonly source?: string; readonly text?: string }[];
  readonly suppressed: readonly { readonly kind: string; readonly reason: string; readonly at: string }[];
}

function show({ said, pending, changes, suppressed }: Shown, io: Io): void {
  const lines = Object.entries(said).map(([about, allowed]) => {
    const no = pending.includes(about) ? 'no, until it is confirmed' : 'no';
    return `${about}  ${allowed ? 'yes' : no}`;
  });
  io.stdout.write(
    lines.length === 0 ? 'nothing was said: allowed, but for opt-in categories\n' : `${lines.join('\n')}\n`,
  );
  for (const { timestamp, source, text, ...rest } of changes) {
    const { userId: _, ...what } = rest as JsonObject;
    io.stdout.write(
      `  ${timestamp}  ${source ?? ''}  ${JSON.stringify(what)}${text === undefined ? '' : `  “${text}”`}\n`,
    );
  }
  for (const { kind, reason, at } of suppressed) io.stdout.write(`  ${at}  suppressed ${kind}: ${reason}\n`);
}

function readFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new FatalError('TRG_FILE_UNREADABLE', `${path} cannot be read: ${(error as Error).message}`);
  }
}

// `tripline reviews`: what waits for a person; answering it, and saying who is to.

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { FatalError } from '../../../lib/errors.ts';
import { isJsonObject, type JsonObject } from '../../../schemas/json.ts';
import { resultOf } from '../../../services/operation.ts';
import type { InputOf } from '../../../services/operations.ts';
import type { ReviewAnswered } from '../../../services/reviews/answer.ts';
import { REVIEWS_LIMIT_MAX, type ReviewJson } from '../../../services/reviews/list.ts';
import { asking } from '../asking.ts';
import { defineCommand, type ExitCode, type Io, usageError } from '../command.ts';
import { CONFIG_OPTION } from '../options.ts';
import { subcommand } from '../subcommand.ts';

const WORDS = ['list', 'approve', 'reject', 'edit', 'assign'] as const;

/** Options of each, beside `config` and `json`; those without `?` are needed. */
const TAKES = {
  list: ['rule?'],
  approve: ['by', 'note?'],
  reject: ['by', 'note?'],
  edit: ['by', 'data', 'note?'],
  assign: ['to', 'by?'],
} as const;

const DONE = { approve: 'approved', reject: 'rejected', edit: 'edited and approved', assign: 'assigned' } as const;

export const reviews = defineCommand({
  name: 'reviews',
  summary: 'Shows what waits for a person, and answers it',
  usage:
    'list [--rule ID] | approve ID --by NAME [--note TEXT] | reject ID --by NAME [--note TEXT] | edit ID --data FILE|JSON --by NAME [--note TEXT] | assign ID --to NAME [--by NAME]  [-c FILE] [--json]',
  options: {
    config: CONFIG_OPTION,
    rule: { type: 'string', value: 'ID', description: 'list: of this rule' },
    by: {
      type: 'string',
      value: 'NAME',
      description: 'Who answers, for the record; assign: who assigns; default: command',
    },
    note: { type: 'string', value: 'TEXT', description: 'approve, reject, edit: why, for the record' },
    data: {
      type: 'string',
      value: 'FILE|JSON',
      description: "edit: an object whose values take the place of those of the messages' data",
    },
    to: { type: 'string', value: 'NAME', description: 'assign: who is to answer' },
    json: { type: 'boolean', description: 'list: one JSON object a line; else one JSON object' },
  },
  run: async ({ values, positionals }, io) => {
    const [word, id, ...rest] = positionals;
    const what = subcommand('reviews', word === undefined ? [] : [word], WORDS);
    const { config, json = false, ...given } = values;
    requireOptions(what, given);
    const superfluous = what === 'list' ? id : rest[0];
    if (superfluous !== undefined) throw usageError(`reviews ${what}: takes no "${superfluous}"`);
    const { rule, by = 'command', note, data, to } = given;
    if (what === 'list') return list(config, rule, json, io);
    if (id === undefined) throw usageError(`reviews ${what}: name the id, as tripline reviews list shows it`);
    const show = (done: ReviewAnswered): ExitCode => {
      const text = `${DONE[what]}: ${done.rule}  ${done.entity.type}/${done.entity.id}  (${done.id})`;
      io.stdout.write(json ? `${JSON.stringify(done)}\n` : `${text}\n`);
      return 0;
    };
    if (what === 'assign') {
      return asking(config, io, async ({ services }) =>
        show(await resultOf(services.ask('reviews.assign', { id, to: to!, by }, io.signal))),
      );
    }
    const answer: InputOf<'reviews.answer'> = {
      id,
      verdict: what,
      by,
      ...(note !== undefined && { note }),
      ...(data !== undefined && { data: dataOf(data, io.folder) }),
    };
    return asking(config, io, async ({ services }) =>
      show(await resultOf(services.ask('reviews.answer', answer, io.signal))),
    );
  },
});

function requireOptions(what: (typeof WORDS)[number], given: Readonly<Record<string, string | undefined>>): void {
  const takes: readonly string[] = TAKES[what];
  for (const [name, value] of Object.entries(given)) {
    if (value !== undefined && !takes.includes(name) && !takes.includes(`${name}?`)) {
      throw usageError(`reviews ${what}: takes no --${name}`);
    }
    if (value === '') throw usageError(`reviews ${what}: --${name} is empty`);
  }
  const missing = takes.find((name) => !name.endsWith('?') && given[name] === undefined);
  if (missing !== undefined) throw usageError(`reviews ${what}: --${missing} is needed`);
}

async function list(config: string | undefined, rule: string | undefined, isJson: boolean, io: Io): Promise<ExitCode> {
  return asking(config, io, async ({ services }) => {
    const question = { limit: REVIEWS_LIMIT_MAX, ...(rule !== undefined && { rule }) };
    const { reviews: found, waiting } = await resultOf(services.ask('reviews.list', question, io.signal));
    for (const review of found) io.stdout.write(isJson ? `${JSON.stringify(review)}\n` : textOf(review));
    if (waiting === 0) io.stderr.write('nothing waits for a person\n');
    else if (waiting > found.length) io.stderr.write(`these wait longest; ${waiting - found.length} more wait\n`);
    return 0;
  });
}

function textOf({
  id,
  rule,
  entity,
  since,
  until,
  onTimeout,
  note,
  step,
  values,
  sends,
  assigned,
}: ReviewJson): string {
  const at = step === null ? '' : `  at ${step.name ?? `step ${step.number}`}`;
  const then = onTimeout === null ? '' : `, then ${onTimeout}`;
  const lines = [
    `${id}  ${rule}  ${entity.type}/${entity.id}${at}`,
    `  since ${since}, until ${until ?? 'not known'}${then}`,
  ];
  if (note !== null) lines.push(`  note: ${note}`);
  if (assigned !== null) lines.push(`  assigned to ${assigned.to} by ${assigned.by}, ${assigned.at}`);
  if (Object.keys(values).length > 0) lines.push(`  saw ${JSON.stringify(values)}`);
  for (const { channels, template, data } of sends) {
    const named = template === null ? '' : ` ${template}`;
    lines.push(
      `  would send ${channels.join(', else ')}${named}${Object.keys(data).length === 0 ? '' : ` ${JSON.stringify(data)}`}`,
    );
  }
  return `${lines.join('\n')}\n`;
}

/** A JSON object, or the file that has it. */
function dataOf(text: string, folder: string): JsonObject {
  const isJson = text.trimStart().startsWith('{');
  const json = isJson ? text : readFile(resolve(folder, text));
  try {
    const value: unknown = JSON.parse(json);
    if (isJsonObject(value)) return value;
  } catch {
    // Said below; JSON.parse quotes the text in its message.
  }
  throw usageError(isJson ? 'reviews edit: --data is no JSON object' : `reviews edit: ${text} holds no JSON object`);
}

function readFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new FatalError('TRG_FILE_UNREADABLE', `${path} cannot be read: ${(error as Error).message}`);
  }
}

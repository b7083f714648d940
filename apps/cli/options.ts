// Options that several commands share, and reading them.

import { parseInstant } from '../../lib/instant.ts';
import { didYouMean } from '../../lib/suggest.ts';
import { TEXT_ENCODINGS, type TextEncoding } from '../../lib/text-encoding.ts';
import type { OffsetBound } from '../../services/backtest/event-places.ts';
import { type Option, usageError } from './command.ts';

/** `-c`, where the working folder's own file is the default. */
export const CONFIG_OPTION = {
  type: 'string',
  short: 'c',
  value: 'FILE',
  description: 'Configuration; default: ./tripline.yaml',
} as const satisfies Option;

/** `-c` of commands that work on rules at a path. */
export const CONFIG_NEAR_PATH_OPTION = {
  ...CONFIG_OPTION,
  description: 'Configuration; default: the tripline.yaml near PATH',
} as const satisfies Option;

/** `--encoding`, of a file of events. */
export const ENCODING_OPTION = {
  type: 'string',
  value: 'NAME',
  description: `Of the file of events: ${TEXT_ENCODINGS.join(', ')}; default: what it shows`,
} as const satisfies Option;

/** An encoding option; undefined when it was not given. Throws FatalError TRG_USAGE. */
export function encodingOption(command: string, text: string | undefined): TextEncoding | undefined {
  const encoding = TEXT_ENCODINGS.find((name) => name === text?.toLowerCase());
  if (text === undefined || encoding !== undefined) return encoding;
  const hint = didYouMean(text, TEXT_ENCODINGS, `known here: ${TEXT_ENCODINGS.join(', ')}`);
  throw usageError(`${command}: --encoding ${text} is not known`, hint ?? undefined);
}

/** A time option in ms; undefined when it was not given. Throws FatalError TRG_USAGE. */
export function timeOption(command: string, name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const time = parseInstant(text);
  if (Number.isNaN(time)) throw usageError(`${command}: --${name} ${text} is not a time such as 2026-01-31T00:00:00Z`);
  return time;
}

/** A count option; undefined when it was not given. Throws FatalError TRG_USAGE. */
export function countOption(command: string, name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 1)
    throw usageError(`${command}: --${name} ${text} is not a number from 1 on`);
  return count;
}

/** Whom `--user ID` or `--entity TYPE/ID` names; undefined when neither was given. Throws FatalError TRG_USAGE. */
export function entityOption(
  command: string,
  { user, entity }: { readonly user?: string; readonly entity?: string },
): { readonly type: string; readonly id: string } | undefined {
  if (user !== undefined && entity !== undefined) throw usageError(`${command}: give --user or --entity, not both`);
  if (user !== undefined) return { type: 'user', id: user };
  if (entity === undefined) return undefined;
  const [, type, id] = /^([^/]+)\/(.+)$/s.exec(entity) ?? [];
  if (type === undefined || id === undefined) {
    throw usageError(`${command}: --entity ${entity} is not TYPE/ID, such as device/d-17`);
  }
  return { type, id };
}

/** One of the choices; undefined when the option was not given. Throws FatalError TRG_USAGE with the nearest. */
export function choiceOption<Choice extends string>(
  command: string,
  name: string,
  text: string | undefined,
  choices: readonly Choice[],
): Choice | undefined {
  const choice = choices.find((each) => each === text);
  if (text === undefined || choice !== undefined) return choice;
  throw usageError(
    `${command}: --${name} ${text} is none of ${choices.join(', ')}`,
    didYouMean(text, choices) ?? undefined,
  );
}

/**
 * A bound of what is read: a time in ms, `offset:N` for every partition, or `offset:P=N,P=N` for those that are named. Throws
 * FatalError TRG_USAGE.
 */
export function boundOption(
  command: string,
  name: string,
  text: string | undefined,
): { readonly time?: number; readonly offset?: OffsetBound } {
  if (text === undefined) return {};
  if (!text.startsWith('offset:')) return { time: timeOption(command, name, text)! };
  const offsets = text.slice('offset:'.length);
  if (/^\d{1,15}$/.test(offsets)) return { offset: Number(offsets) };
  const each = offsets.split(',').map((part) => /^(\d{1,5})=(\d{1,15})$/.exec(part));
  if (each.some((part) => part === null)) {
    throw usageError(`${command}: --${name} ${text} is no offset`, 'such as offset:1200, or offset:0=1200,3=900');
  }
  return { offset: new Map(each.map((part) => [Number(part![1]), Number(part![2])])) };
}

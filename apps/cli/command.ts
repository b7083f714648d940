// What a command is.
//
// Owns: the words only. dispatch.ts runs commands, commands/index.ts lists them.

import { FatalError } from '../../lib/errors.ts';
import type { Environment } from '../../services/config/index.ts';

/** 0 fine, 1 findings or failure, 2 wrong usage. */
export type ExitCode = 0 | 1 | 2;

export interface Output {
  write(text: string): unknown;
  /** Whether a person looks at it while it is written. */
  readonly isTTY?: boolean;
}

/** The world of a command: nothing of `process` is used besides, so that tests can run it in their own. */
export interface Io {
  readonly stdout: Output;
  readonly stderr: Output;
  /** Whether stdout is a terminal: progress bars and staying up are for people only. */
  readonly isTerminal: boolean;
  /** Aborts on Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
  /** Has `listener` called on SIGHUP; left out: nobody sends one. */
  readonly onHangup?: (listener: () => void) => void;
  readonly env: Environment;
  /** The working folder, absolute. */
  readonly folder: string;
}

/** One `--option`, as node:util parseArgs takes it, with the words for its help. */
export interface Option {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  readonly multiple?: boolean;
  /** What stands after it in the help, such as FILE. */
  readonly value?: string;
  readonly description: string;
}

export type Options = Readonly<Record<string, Option>>;

type Value<Spec extends Option> = Spec['type'] extends 'boolean' ? boolean : string;
type Values<Specs extends Options> = {
  readonly [Name in keyof Specs]?: Specs[Name]['multiple'] extends true
    ? readonly Value<Specs[Name]>[]
    : Value<Specs[Name]>;
};

export interface Arguments<Specs extends Options = Options> {
  readonly values: Values<Specs>;
  readonly positionals: readonly string[];
}

export interface Command<Specs extends Options = Options> {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** What follows the name, such as `PATH…`. */
  readonly usage: string;
  readonly options: Specs;
  /** Returns the exit code; throws EngineError for what the user can mend. */
  run(args: Arguments<Specs>, io: Io): Promise<ExitCode>;
}

/** A command whose `run` gets its options typed. */
export function defineCommand<const Specs extends Options>(command: Command<Specs>): Command {
  return command as unknown as Command;
}

/** Wrong usage: exit code 2. */
export function usageError(message: string, hint?: string): FatalError {
  return new FatalError('TRG_USAGE', message, hint === undefined ? {} : { hint });
}

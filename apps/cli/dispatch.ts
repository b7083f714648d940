// From the command line to a command, and from its end to an exit code.
//
// Owns: parsing, help. Does not own: what commands do (commands/), how errors look (show-error.ts).

import { parseArgs } from 'node:util';
import { didYouMean } from '../../lib/suggest.ts';
import { type Arguments, type Command, type ExitCode, type Io, usageError } from './command.ts';
import { commandHelp, overview } from './help.ts';
import { showError } from './show-error.ts';

/** Runs one command line (without node and script); never throws. */
export async function runCommandLine(
  words: readonly string[],
  commands: readonly Command[],
  io: Io,
): Promise<ExitCode> {
  try {
    return await dispatch(words, commands, io);
  } catch (error) {
    return showError(error, io);
  }
}

async function dispatch(words: readonly string[], commands: readonly Command[], io: Io): Promise<ExitCode> {
  const [name, ...rest] = words;
  if (name === '--help' || name === '-h' || name === 'help') {
    const command = commands.find((candidate) => candidate.name === rest[0]);
    io.stdout.write(command === undefined ? overview(commands) : commandHelp(command));
    return 0;
  }
  if (name === undefined) {
    io.stderr.write(overview(commands));
    return 2;
  }
  const command = commands.find((candidate) => candidate.name === name);
  if (command === undefined) {
    const names = commands.map((candidate) => candidate.name);
    throw usageError(`there is no command "${name}"`, didYouMean(name, names) ?? 'tripline --help lists the commands');
  }
  const args = parse(command, rest);
  if (args === 'help') {
    io.stdout.write(commandHelp(command));
    return 0;
  }
  return command.run(args, io);
}

function parse(command: Command, words: readonly string[]): Arguments | 'help' {
  const options = { ...command.options, help: { type: 'boolean', short: 'h' } } as const;
  try {
    const { values, positionals } = parseArgs({ args: [...words], options, allowPositionals: true });
    return values['help'] === true ? 'help' : { values: values as Arguments['values'], positionals };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code?.startsWith('ERR_PARSE_ARGS') !== true) throw error;
    throw usageError(`${command.name}: ${message.split('. ')[0]}`, optionHint(command, message));
  }
}

function optionHint(command: Command, message: string): string {
  const unknown = /^Unknown option '--?([^']+)'/.exec(message)?.[1];
  const nearest = unknown === undefined ? null : didYouMean(unknown, Object.keys(command.options));
  return nearest?.replace('"', '"--') ?? `tripline ${command.name} --help lists its options`;
}

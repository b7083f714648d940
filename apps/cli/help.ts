// The texts of --help.

import type { Command, Option } from './command.ts';

/** All commands, one line each. */
export function overview(commands: readonly Command[]): string {
  const width = Math.max(...commands.map((command) => command.name.length));
  const rows = commands.map((command) => `  ${command.name.padEnd(width)}  ${command.summary}`);
  return [
    'tripline: turns what people and machines just did, or failed to do, into the right action, exactly once.',
    '',
    'Usage: tripline COMMAND [options]',
    '',
    ...rows,
    '',
    'tripline COMMAND --help explains one. Exit codes: 0 fine, 1 findings or failure, 2 wrong usage.',
    '',
  ].join('\n');
}

export function commandHelp(command: Command): string {
  const options = Object.entries({ ...command.options, help: HELP_OPTION }).map(
    ([name, option]) => [optionText(name, option), option.description] as const,
  );
  const width = Math.max(...options.map(([text]) => text.length));
  return [
    `${command.summary}`,
    '',
    `Usage: tripline ${command.name} ${command.usage}`.trimEnd(),
    '',
    ...options.map(([text, description]) => `  ${text.padEnd(width)}  ${description}`),
    '',
  ].join('\n');
}

const HELP_OPTION: Option = { type: 'boolean', short: 'h', description: 'This text' };

function optionText(name: string, { short, type, value }: Option): string {
  const long = `--${name}${type === 'string' ? ` ${value ?? 'VALUE'}` : ''}`;
  return short === undefined ? `    ${long}` : `-${short}, ${long}`;
}

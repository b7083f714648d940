// The texts of --help.

import type { Command, Option } from './command.ts';

/** As wide as a terminal is when nobody made it wider. */
const COLUMNS = 80;

/** All commands, one line each. */
export function overview(commands: readonly Command[]): string {
  const width = Math.max(...commands.map((command) => command.name.length));
  const rows = commands.map(({ name, summary }) => wrapped(`  ${name.padEnd(width)}  `, summary));
  return [
    wrapped(
      'tripline: ',
      'turns what people and machines just did, or failed to do, into the right action, exactly once.',
    ),
    '',
    'Usage: tripline COMMAND [options]',
    '',
    ...rows,
    '',
    'tripline COMMAND --help explains one.',
    'Exit codes: 0 fine, 1 findings or failure, 2 wrong usage.',
    '',
  ].join('\n');
}

export function commandHelp(command: Command): string {
  const options = Object.entries({ ...command.options, help: HELP_OPTION }).map(
    ([name, option]) => [optionText(name, option), option.description] as const,
  );
  const width = Math.max(...options.map(([text]) => text.length));
  return [
    wrapped('', command.summary),
    '',
    wrapped(`Usage: tripline ${command.name} `, command.usage).trimEnd(),
    '',
    ...options.map(([text, description]) => wrapped(`  ${text.padEnd(width)}  `, description)),
    '',
  ].join('\n');
}

const HELP_OPTION: Option = { type: 'boolean', short: 'h', description: 'This text' };

function optionText(name: string, { short, type, value }: Option): string {
  const long = `--${name}${type === 'string' ? ` ${value ?? 'VALUE'}` : ''}`;
  return short === undefined ? `    ${long}` : `-${short}, ${long}`;
}

/** `text` behind `start`, its further lines below its first; words are not cut, and what stands in brackets stays together. */
function wrapped(start: string, text: string): string {
  const lines: string[] = [];
  let line = start;
  for (const word of text.match(/\[[^\]]*\]|\S+/g) ?? []) {
    const longer = line.length === start.length ? line + word : `${line} ${word}`;
    if (longer.length > COLUMNS && line.length > start.length) {
      lines.push(line);
      line = ' '.repeat(start.length) + word;
    } else line = longer;
  }
  return [...lines, line].join('\n');
}

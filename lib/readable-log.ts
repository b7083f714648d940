// A log line for eyes: time, level, message, fields; JSON is for machines.
//
// Owns: how a line looks. Does not own: what is logged, who chooses (logger.ts).
//
// Invariants:
//   R1. Whatever a field holds, it stays on its line and controls no terminal.

const LEVELS: Readonly<Record<number, readonly [name: string, colour: number]>> = {
  30: ['info', 32],
  40: ['warn', 33],
  50: ['error', 31],
};
/** The configuration at a start, say: whoever needs it whole asks for JSON. */
const FIELD_LENGTH_MAX = 160;
const DIM = 2;

export function readableLine(json: string, withColours: boolean): string {
  const { level, time, name, msg, ...fields } = JSON.parse(json) as Readonly<Record<string, unknown>>;
  const [word, colour] = LEVELS[Number(level)] ?? [String(level), 0];
  const paint = (text: string, code: number): string => (withColours ? `\u001b[${code}m${text}\u001b[0m` : text);
  const clock = new Date(Number(time)).toISOString().slice(11, 19);
  const shown = Object.entries(fields).map(([field, value]) => paint(` ${field}=${textOf(value)}`, DIM));
  return `${paint(clock, DIM)} ${paint(word.padEnd(5), colour)} ${harmless(String(msg))} ${shown.join('')}`.trimEnd();
}

function textOf(value: unknown): string {
  const text = typeof value === 'string' && !/[\s"=]/.test(value) && value !== '' ? value : JSON.stringify(value);
  return harmless(text.length > FIELD_LENGTH_MAX ? '… (LOG_FORMAT=json shows it)' : text);
}

/** R1. */
function harmless(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (character) => `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`);
}

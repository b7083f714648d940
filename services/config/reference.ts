// The table of docs/configuration.md, made from the schema so that the two cannot disagree.

import { type FieldSchema, settingsOf } from './environment.ts';
import { ConfigSchema } from './schema.ts';

/** A Markdown table: field, type, default, variable, meaning; one row a setting, in the order of the schema. */
export function configurationTable(): string {
  const rows = settingsOf(ConfigSchema as FieldSchema).map(({ path, variable, schema }) => {
    const meaning = `${schema.description ?? ''}${schema.secret === true ? ' (secret)' : ''}`;
    return `| \`${path.join('.')}\` | ${typeOf(schema)} | ${defaultOf(schema)} | \`${variable}\` | ${meaning} |`;
  });
  return ['| field | type | default | variable | meaning |', '| --- | --- | --- | --- | --- |', ...rows].join('\n');
}

function typeOf(schema: FieldSchema): string {
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${value}\``).join(', ');
  if (schema.format === 'duration') return 'duration';
  const words: Record<string, string> = { object: 'mapping', array: 'list', string: 'text', integer: 'number' };
  return words[schema.type ?? ''] ?? schema.type ?? '';
}

function defaultOf(schema: FieldSchema): string {
  const value = schema.default;
  if (value === undefined || (schema.properties !== undefined && schema.type === 'object')) return '';
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
}

// The configuration as it may be logged: every secret replaced.

import type { Json, JsonObject } from '../../schemas/json.ts';
import type { Config } from './config.ts';
import { type FieldSchema, settingsOf } from './environment.ts';
import { namedChannelSettings } from './named-channels.ts';
import { ConfigSchema } from './schema.ts';

const HIDDEN = '[secret]';

/** A copy fit for logs and screens. Secrets are those the schema marks; passwords inside URLs go too. */
export function redact(config: Config): JsonObject {
  const copy = JSON.parse(JSON.stringify(config)) as Record<string, unknown>;
  const settings = [...settingsOf(ConfigSchema as FieldSchema), ...namedChannelSettings(config.channels)];
  for (const { path, schema } of settings) {
    if (schema.secret === true) hide(copy, path.map(String));
  }
  return withoutUrlPasswords(copy as JsonObject) as JsonObject;
}

function hide(copy: Record<string, unknown>, [name, ...rest]: readonly string[]): void {
  const value = name === undefined ? undefined : copy[name];
  if (name === undefined || value === undefined || value === null) return;
  if (rest.length > 0) hide(value as Record<string, unknown>, rest);
  else copy[name] = Array.isArray(value) ? value.map(() => HIDDEN) : HIDDEN;
}

function withoutUrlPasswords(value: Json): Json {
  if (typeof value === 'string') return value.replace(/^(\w+:\/\/[^/?#@:]*):[^/?#]*@/, `$1:${HIDDEN}@`);
  if (Array.isArray(value)) return value.map(withoutUrlPasswords);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, withoutUrlPasswords(part)]));
}

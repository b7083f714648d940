// Settings from the environment: every field as TRIPLINE_A_B, secrets also as TRIPLINE_A_B_FILE, and ${NAME} in strings.
//
// Owns: variable names, reading their values by the type of the field. Does not own: checking them (the schema does).

import { CHANNEL_MODULES_VARIABLE } from '../../connectors/channels/installed.ts';
import { didYouMean } from '../../lib/suggest.ts';
import { NotTextError, readTextFile } from '../../lib/text-file.ts';
import type { Path } from '../../lib/yaml-source.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The part of a JSON Schema that decides how a variable is read. */
export interface FieldSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly format?: string;
  readonly secret?: boolean;
  /** The path of a file, or what would be in it. */
  readonly pathOrText?: boolean;
  readonly properties?: Readonly<Record<string, FieldSchema>>;
  readonly items?: FieldSchema;
}

/** One setting that can be made, named as in the file and as a variable. */
export interface Setting {
  readonly path: Path;
  readonly variable: string;
  readonly schema: FieldSchema;
}

/** All settings of the schema, mappings before their fields, so that a field's own variable wins over the mapping's. */
export function settingsOf(schema: FieldSchema, path: Path = []): readonly Setting[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const fieldPath = [...path, name];
    return [{ path: fieldPath, variable: variableOf(fieldPath), schema: field }, ...settingsOf(field, fieldPath)];
  });
}

/** `commitInterval.min` is TRIPLINE_COMMIT_INTERVAL_MIN. */
function variableOf(path: Path): string {
  const words = path.map((name) =>
    String(name)
      .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
      .toUpperCase(),
  );
  return `TRIPLINE_${words.join('_')}`;
}

export interface Overridden {
  /** Variable by the path it set, joined with dots. */
  readonly variables: ReadonlyMap<string, string>;
  readonly problems: readonly { variable: string; message: string }[];
  /** Variables that look meant for us but set nothing: worth saying, not worth stopping for (Kubernetes makes such). */
  readonly warnings: readonly string[];
}

/** Puts what the environment sets into `value`, which it changes. */
export function applyEnvironment(value: Record<string, unknown>, schema: FieldSchema, env: Environment): Overridden {
  const settings = settingsOf(schema);
  const variables = new Map<string, string>();
  const problems: { variable: string; message: string }[] = [];
  for (const { path, variable, schema: field } of settings) {
    const text = env[variable];
    if (text !== undefined) {
      setAt(value, path, settingValue(text, field));
      variables.set(path.join('.'), variable);
    }
    const file = field.secret === true ? env[`${variable}_FILE`] : undefined;
    if (file === undefined) continue;
    try {
      setAt(value, path, settingValue(readTextFile(file).trimEnd(), field));
      variables.set(path.join('.'), `${variable}_FILE`);
    } catch (error) {
      // The bytes of a secret are not shown, nor are those that are no text.
      const message =
        error instanceof NotTextError
          ? `is not UTF-8 (line ${error.line}, byte ${error.column} of it)`
          : `cannot be read: ${(error as Error).message}`;
      problems.push({ variable: `${variable}_FILE`, message });
    }
  }
  return { variables, problems, warnings: unknownVariables(settings, env) };
}

function unknownVariables(settings: readonly Setting[], env: Environment): readonly string[] {
  const known = [
    CHANNEL_MODULES_VARIABLE,
    ...settings.flatMap(({ variable, schema }) => (schema.secret ? [variable, `${variable}_FILE`] : [variable])),
  ];
  return Object.keys(env)
    .filter((name) => name.startsWith('TRIPLINE_') && !known.includes(name))
    .map((name) => `${name} sets nothing${suffix(didYouMean(name, known))}`);
}

function suffix(hint: string | null): string {
  return hint === null ? '' : `: ${hint}`;
}

/** Text that does not fit the type is kept as text: the schema then says what is wrong with it. */
function settingValue(text: string, schema: FieldSchema): unknown {
  switch (schema.type) {
    case 'integer':
    case 'number':
      return /^-?\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : text;
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text;
    case 'object':
      return parsedJson(text);
    case 'array':
      if (schema.items?.type === 'object' || text.trimStart().startsWith('[')) return parsedJson(text);
      return text.split(',').map((part) => part.trim());
    default:
      return text;
  }
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function setAt(value: Record<string, unknown>, path: Path, leaf: unknown): void {
  let at = value;
  for (const name of path.slice(0, -1)) {
    const next = at[name];
    at = (typeof next === 'object' && next !== null ? next : (at[name] = {})) as Record<string, unknown>;
  }
  at[String(path.at(-1))] = leaf;
}

/**
 * Replaces `${NAME}` in every string below `value`, in place, `${NAME:-text}` by the text where NAME is not set or empty; `$${`
 * stands for `${`. Reports what is not set.
 */
export function expandVariables(
  value: unknown,
  env: Environment,
  missing: (path: Path, name: string) => void,
  path: Path = [],
): unknown {
  if (typeof value === 'string') {
    return value.replace(
      /\$(\$\{)|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g,
      (_, escaped: string | undefined, name: string, byDefault: string | undefined) => {
        if (escaped !== undefined) return escaped;
        const text = env[name];
        if (byDefault !== undefined) return text || byDefault;
        if (text === undefined) missing(path, name);
        return text ?? '';
      },
    );
  }
  if (typeof value !== 'object' || value === null) return value;
  const container = value as Record<string, unknown>;
  for (const [name, part] of Object.entries(container)) {
    container[name] = expandVariables(part, env, missing, [...path, Array.isArray(value) ? Number(name) : name]);
  }
  return container;
}

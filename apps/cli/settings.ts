// The configuration of a command that works on rules: the file named with -c, else the project's own.

import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { CONFIG_FILE, type LoadedConfig, loadConfig } from '../../services/config/index.ts';
import { type Io, usageError } from './command.ts';

export interface SettingsOptions {
  /** As given with -c. */
  readonly file: string | undefined;
  /** Paths of the rules, where a tripline.yaml in or above them is the project's. */
  readonly paths: readonly string[];
}

/**
 * Loads the configuration without asking for secrets. Without -c it is the tripline.yaml in a given path, beside it, or
 * in the working folder; else the defaults.
 * Throws FatalError TRG_CONFIG_INVALID.
 */
export function projectSettings({ file, paths }: SettingsOptions, io: Io): LoadedConfig {
  const found = file ?? paths.map((path) => configNear(resolve(io.folder, path))).find((path) => path !== undefined);
  const loaded = loadConfig({
    file: found === undefined || isAbsolute(file ?? '') ? found : shortPath(io.folder, found),
    env: io.env,
    folder: io.folder,
    withoutSecrets: true,
  });
  for (const warning of loaded.warnings) io.stderr.write(`warning: ${warning}\n`);
  return loaded;
}

/** The paths given; in the folder of a project, that project where none is. Throws the error of wrong usage elsewhere. */
export function pathsOf(command: string, given: readonly string[], io: Io): readonly string[] {
  if (given.length > 0) return given;
  if (existsSync(join(io.folder, CONFIG_FILE))) return ['.'];
  throw usageError(`${command}: no PATH given, and no ${CONFIG_FILE} here`, `such as: tripline ${command} rules/`);
}

function configNear(path: string): string | undefined {
  return [join(path, CONFIG_FILE), join(dirname(path), CONFIG_FILE)].find((candidate) => existsSync(candidate));
}

/** As a user in the folder would write it. */
function shortPath(folder: string, path: string): string {
  return isAbsolute(path) ? relative(folder, path) : path;
}

// Which files below a path are rules, and which folders are templates.
//
// Owns: the layout of a project (interfaces.md, Configuration). Does not own: reading what is in the files.
//
// A folder with a `rules` folder in it is a project: its rules are there, its templates in `templates`. Any other folder
// holds rules itself. Templates of a rules folder may stand beside it.

import { readdirSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { FatalError } from '../../lib/errors.ts';
import { CONFIG_FILE } from '../config/index.ts';

export interface ProjectFiles {
  /** In order of name, as the user would write them. */
  readonly ruleFiles: readonly string[];
  readonly templateFolders: readonly string[];
  /** Folders that this version knows by name only. */
  readonly notYetFolders: readonly string[];
}

const RULE_FILE = /\.(ya?ml|json)$/i;
const NOT_YET = ['segments', 'models'];

/** Paths are relative to `folder`. Throws FatalError TRG_FILE_UNREADABLE for a path that is not there. */
export function findFiles(paths: readonly string[], folder: string): ProjectFiles {
  const ruleFiles = new Set<string>();
  const templateFolders = new Set<string>();
  const notYetFolders = new Set<string>();

  const visit = (parent: string): void => {
    if (basename(parent) === 'templates') {
      templateFolders.add(parent);
      return;
    }
    const names = readdirSync(resolve(folder, parent), { withFileTypes: true }).sort((a, b) =>
      a.name < b.name ? -1 : 1,
    );
    const isProject = names.some((entry) => entry.name === 'rules' && entry.isDirectory());
    for (const entry of names) {
      const path = join(parent, entry.name);
      if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
      if (statSync(resolve(folder, path), { throwIfNoEntry: false })?.isDirectory() === true) {
        if (NOT_YET.includes(entry.name)) notYetFolders.add(path);
        else if (!isProject || entry.name === 'rules' || entry.name === 'templates') visit(path);
      } else if (!isProject && RULE_FILE.test(entry.name) && entry.name !== CONFIG_FILE) ruleFiles.add(path);
    }
  };

  for (const path of paths) {
    if (!isFolder(resolve(folder, path))) ruleFiles.add(path);
    else {
      visit(path);
      const beside = join(dirname(path), 'templates');
      if (basename(path) === 'rules' && exists(resolve(folder, beside))) templateFolders.add(beside);
    }
  }
  return {
    ruleFiles: [...ruleFiles],
    templateFolders: [...templateFolders],
    notYetFolders: [...notYetFolders],
  };
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    throw new FatalError('TRG_FILE_UNREADABLE', `${path} cannot be read`, { file: path }, error);
  }
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

// Which files below a path are rules, segments, models, caps and hold-outs, and which folders are templates.
//
// Owns: the layout of a project (docs/configuration.md). Does not own: reading what is in the files.
//
// A folder with a `rules` folder in it is a project: its rules are there, its templates in `templates`, segments in
// `segments`, models in `models`, caps in `caps.yaml`, hold-outs in `holdouts.yaml`. Any other folder holds
// rules itself; the others may stand beside it.

import { readdirSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { FatalError } from '../../lib/errors.ts';
import { whyNot } from '../../lib/plain-file.ts';
import { CONFIG_FILE } from '../config/index.ts';

export interface ProjectFiles {
  /** In order of name, as the user would write them. */
  readonly ruleFiles: readonly string[];
  readonly segmentFiles: readonly string[];
  readonly modelFiles: readonly string[];
  readonly capFiles: readonly string[];
  readonly holdoutFiles: readonly string[];
  readonly templateFolders: readonly string[];
}

const RULE_FILE = /\.(ya?ml|json)$/i;
/** Files that stand beside the rules, each of a kind of its own. */
const ONE_FILE = /^(caps|holdouts)\.(?:ya?ml|json)$/i;
/** What stands beside a folder of rules. */
const BESIDE = [
  ...['templates', 'segments', 'models'],
  ...['caps', 'holdouts'].flatMap((name) => ['yaml', 'yml', 'json'].map((type) => `${name}.${type}`)),
];

/** Paths are relative to `folder`. Throws FatalError TRG_FILE_UNREADABLE for a path that is not there. */
export function findFiles(paths: readonly string[], folder: string): ProjectFiles {
  const ruleFiles = new Set<string>();
  const segmentFiles = new Set<string>();
  const modelFiles = new Set<string>();
  const capFiles = new Set<string>();
  const holdoutFiles = new Set<string>();
  const templateFolders = new Set<string>();

  const addOneFile = (path: string): void => {
    const isOfCaps = ONE_FILE.exec(basename(path))?.[1]?.toLowerCase() === 'caps';
    (isOfCaps ? capFiles : holdoutFiles).add(path);
  };

  const visit = (parent: string): void => {
    refuseCircle(parent, folder);
    const name = basename(parent);
    if (name === 'templates') templateFolders.add(parent);
    else if (name === 'segments') addAll(parent, folder, segmentFiles);
    else if (name === 'models') addAll(parent, folder, modelFiles);
    else visitRules(parent);
  };

  const visitRules = (parent: string): void => {
    const names = readdirSync(resolve(folder, parent), { withFileTypes: true }).sort((a, b) =>
      a.name < b.name ? -1 : 1,
    );
    const isProject = names.some((entry) => entry.name === 'rules' && entry.isDirectory());
    for (const entry of names) {
      const path = join(parent, entry.name);
      if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
      if (isFolderIfThere(path, folder)) {
        if (!isProject || entry.name === 'rules' || BESIDE.includes(entry.name)) visit(path);
      } else if (ONE_FILE.test(entry.name)) addOneFile(path);
      else if (!isProject && RULE_FILE.test(entry.name) && entry.name !== CONFIG_FILE) ruleFiles.add(path);
    }
  };

  for (const path of paths) {
    if (!isFolder(resolve(folder, path))) {
      if (ONE_FILE.test(basename(path))) addOneFile(path);
      else ruleFiles.add(path);
    } else {
      visit(path);
      if (basename(path) !== 'rules') continue;
      for (const beside of BESIDE.map((name) => join(dirname(path), name))) {
        const found = statSync(resolve(folder, beside), { throwIfNoEntry: false });
        if (found?.isDirectory() === true) visit(beside);
        else if (found !== undefined) addOneFile(beside);
      }
    }
  }
  return {
    ruleFiles: [...ruleFiles],
    segmentFiles: [...segmentFiles],
    modelFiles: [...modelFiles],
    capFiles: [...capFiles],
    holdoutFiles: [...holdoutFiles],
    templateFolders: [...templateFolders],
  };
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    throw new FatalError('TRG_FILE_UNREADABLE', `${path} cannot be read`, { file: path }, error);
  }
}

/** False also where there is nothing, such as behind a symbolic link that leads nowhere. */
function isFolderIfThere(path: string, folder: string): boolean {
  try {
    return statSync(resolve(folder, path), { throwIfNoEntry: false })?.isDirectory() === true;
  } catch (error) {
    throw new FatalError('TRG_FILE_UNREADABLE', `${path} cannot be read: ${whyNot(error)}`, { file: path }, error);
  }
}

/** A folder that a symbolic link within it leads back to would be gone through without end. */
function refuseCircle(path: string, folder: string): void {
  const real = realpathSync(resolve(folder, path));
  for (let above = dirname(path); above !== dirname(above); above = dirname(above)) {
    if (realpathSync(resolve(folder, above)) !== real) continue;
    const message = `${path} cannot be read: it is a symbolic link that leads back to ${above}, in which it is`;
    throw new FatalError('TRG_FILE_UNREADABLE', message, { file: path });
  }
}

/** All files of the kind below the folder, in order of name. */
function addAll(parent: string, folder: string, files: Set<string>): void {
  refuseCircle(parent, folder);
  const entries = readdirSync(resolve(folder, parent), { withFileTypes: true });
  for (const { name } of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(parent, name);
    if (name.startsWith('.')) continue;
    if (isFolderIfThere(path, folder)) addAll(path, folder, files);
    else if (RULE_FILE.test(name)) files.add(path);
  }
}

/** The files of a kind in a folder, or the one file, that the configuration names. */
export function filesOf(path: string, folder: string): readonly string[] {
  const files = new Set<string>();
  if (isFolder(resolve(folder, path))) addAll(path, folder, files);
  else files.add(path);
  return [...files];
}

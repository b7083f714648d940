// `tripline init`: a folder with a project that runs at once.

import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeError, FatalError } from '../../../lib/errors.ts';
import { IS_CLONE, PACKAGE_FOLDER } from '../../../lib/package-folder.ts';
import { didYouMean } from '../../../lib/suggest.ts';
import { EXAMPLES } from '../../../services/new-project/examples.ts';
import { newProject } from '../../../services/new-project/new-project.ts';
import { defineCommand, usageError } from '../command.ts';

const DEFAULT = 'shop';
/** What a folder has in which Tripline was installed for a project to be made there. */
const NO_OBSTACLE = ['.git', '.npmrc', '.nvmrc', 'node_modules', 'package.json', 'package-lock.json'];

export const init = defineCommand({
  name: 'init',
  summary: 'Makes a project that runs at once: rules with tests, templates, events, editor settings',
  usage: `[DIR] [--example ${Object.keys(EXAMPLES).join('|')}] [--force]`,
  options: {
    example: { type: 'string', value: 'NAME', description: `What it begins as; default: ${DEFAULT}` },
    force: { type: 'boolean', description: 'Also in a folder that is not empty; files of the same names are replaced' },
  },
  run: async ({ values, positionals }, io) => {
    const { example = DEFAULT } = values;
    const names = Object.keys(EXAMPLES);
    if (positionals.length > 1) throw usageError('init: give one folder', 'such as: tripline init my-project');
    if (!names.includes(example)) {
      throw usageError(
        `init: there is no example "${example}"`,
        didYouMean(example, names) ?? `there are ${names.join(', ')}`,
      );
    }
    const [name = '.'] = positionals;
    const folder = resolve(io.folder, name);
    const launcher = relative(folder, fileURLToPath(new URL('bin/tripline', PACKAGE_FOLDER)));
    const command = IS_CLONE ? launcher : 'npx tripline';
    try {
      const inTheWay = existsSync(folder) ? readdirSync(folder).filter((each) => !NO_OBSTACLE.includes(each)) : [];
      if (inTheWay.length > 0 && values.force !== true) {
        throw usageError(
          `init: ${name === '.' ? 'this folder' : name} is not empty: it has ${inTheWay[0]}`,
          'name a folder that is new or empty, or give --force to replace files of the same names',
        );
      }
      for (const [path, text] of newProject(example, command)) {
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        writeFileSync(join(folder, path), text);
      }
    } catch (error) {
      if (!(error instanceof Error && 'syscall' in error)) throw error;
      throw new FatalError('TRG_FILE_UNWRITABLE', `${name} cannot be written: ${describeError(error)}`, {}, error);
    }
    const go = name === '.' ? '' : `\n  cd ${name}`;
    io.stdout.write(
      `init: the example ${example} is in ${name === '.' ? 'this folder' : name}. What to try next:${go}\n`,
    );
    io.stdout.write(`  ${command} test rules\n  ${command} run\n  README.md has the rest\n`);
    return 0;
  },
});

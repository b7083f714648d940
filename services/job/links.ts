// The signed links of a configuration: with a secret of its own, or one that is made and kept in the data folder.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Links } from '../../connectors/channels/links/links.ts';
import { FatalError } from '../../lib/errors.ts';
import { newSecret } from '../../lib/rng.ts';
import type { Config } from '../config/index.ts';

const FILE = 'link-secret';
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

/**
 * Null: the world does not reach this installation (`http.publicUrl`). On Kafka the configuration has the secret, since workers share
 * it (load.ts). Throws FatalError TRG_FILE_UNWRITABLE.
 */
export function linksOf({ http, dataDir }: Pick<Config, 'http' | 'dataDir'>): Links | null {
  if (http === null || http.publicUrl === undefined) return null;
  return new Links(http.publicUrl, http.linkSecret ?? keptSecret(dataDir));
}

function keptSecret(dataDir: string): string {
  const file = join(dataDir, FILE);
  try {
    mkdirSync(dataDir, { recursive: true, mode: FOLDER_MODE });
    writeFileSync(file, `${newSecret()}\n`, { flag: 'wx', mode: FILE_MODE });
  } catch (error) {
    // Made by an earlier start, or by another thread of this one.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw new FatalError('TRG_FILE_UNWRITABLE', `${file} cannot be written`, { file }, error);
    }
  }
  return readFileSync(file, 'utf8').trim();
}

// Notices changes of a project's files with fs.watch.

import { watch } from 'node:fs';
import { FatalError } from '../../lib/errors.ts';
import type { WatchFolders } from './rerun.ts';

/** What a project is made of; logs and state in the same folder change all the time. */
const PROJECT_FILE = /\.(ya?ml|json|liquid)$/i;

/** Throws FatalError TRG_FILE_UNREADABLE for a folder that cannot be watched. */
export const watchFolders: WatchFolders = (folders, changed) => {
  const watchers = folders.map((folder) => {
    try {
      const watcher = watch(folder, { recursive: true }, (_, name) => {
        // Without a name it may be any file.
        if (name === null || PROJECT_FILE.test(name)) changed();
      });
      // A folder that goes away ends in the next run, which says so.
      watcher.on('error', changed);
      return watcher;
    } catch (error) {
      throw new FatalError('TRG_FILE_UNREADABLE', `${folder} cannot be watched`, { file: folder }, error);
    }
  });
  return () => {
    for (const watcher of watchers) watcher.close();
  };
};

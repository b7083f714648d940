// Where Tripline itself lies: the root of a clone, or the folder of the installed package.

import { existsSync } from 'node:fs';
import { extname } from 'node:path';

/** Ends with a slash. It is the nearest folder above with a package.json, as sources and built files lie at different depths. */
export const PACKAGE_FOLDER: URL = nearestPackage(new URL('./', import.meta.url));

/** Whether these are the sources of a clone, and no built package. */
export const IS_CLONE = import.meta.url.endsWith('.ts');

/** The file of another module beside the one at `url`, for a thread: .ts in a clone, .js in the package. */
export function besideModule(url: string, name: string): URL {
  return new URL(`./${name}${extname(new URL(url).pathname)}`, url);
}

function nearestPackage(folder: URL): URL {
  if (existsSync(new URL('package.json', folder))) return folder;
  const above = new URL('../', folder);
  return above.href === folder.href ? folder : nearestPackage(above);
}

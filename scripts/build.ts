// `npm run build`: dist/, which the npm package and the image carry: JavaScript, types, and the files that code reads.
// Nothing that is developed or tested needs it. What goes into dist/ beside the sources that apps/ reaches is named here.

import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const DIST = join(ROOT, 'dist');

rmSync(DIST, { recursive: true, force: true });
const { status } = spawnSync(join(ROOT, 'node_modules', '.bin', 'tsc'), ['-p', 'tsconfig.build.json'], {
  cwd: ROOT,
  stdio: 'inherit',
});
if (status !== 0) process.exit(1);
// Avro and JSON schemas are read beside the modules that use them.
const schemas = readdirSync(join(ROOT, 'schemas'), { recursive: true, encoding: 'utf8' });
for (const name of schemas.filter((each) => /\.(avsc|json)$/.test(each))) {
  cpSync(join(ROOT, 'schemas', name), join(DIST, 'schemas', name));
}
// The inbox' client is JavaScript as it stands, with its types.
for (const name of ['client.js', 'client.d.ts']) {
  cpSync(join(ROOT, 'apps/http/inapp', name), join(DIST, 'apps/http/inapp', name));
}

// What is installed is what was chosen: every package of the lockfile from the registry, with a digest, under a licence that allows
// it to be shipped. It needs no network; `npm audit`, where the registry answers, knows of holes.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

interface Locked {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly link?: boolean;
}

const { packages } = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8')) as {
  packages: Readonly<Record<string, Locked>>;
};
const all = Object.entries(packages).filter(([path]) => path !== '');

/** Of what is shipped; permissive ones, by their SPDX names. */
const LICENCES =
  /^\(?(MIT|MIT-0|ISC|0BSD|BSD-2-Clause|BSD-3-Clause|Apache-2\.0|BlueOak-1\.0\.0|Unlicense|CC0-1\.0)( (OR|AND) [A-Za-z0-9.-]+)*\)?$/;

/** Of packages whose package.json names none: what their LICENSE is. */
const IN_ITS_FILE: Readonly<Record<string, string>> = { 'node_modules/@kafkajs/confluent-schema-registry': 'MIT' };

test('every package is one of the registry, known by its digest: none comes from a place of its own', () => {
  for (const [path, { version, resolved, integrity, link }] of all) {
    assert.deepEqual([link, resolved], [undefined, undefined], path);
    assert.match(version ?? '', /^\d+\.\d+\.\d+/, path);
    assert.match(integrity ?? '', /^sha512-/, path);
  }
});

test('what is shipped may be shipped: a permissive licence each', () => {
  const shipped = all.filter(([, { dev }]) => dev !== true);
  assert.ok(shipped.length > 50);
  for (const [path, { license = IN_ITS_FILE[path] }] of shipped) assert.match(license ?? 'none', LICENCES, path);
});

test('dependencies are exact versions', () => {
  const { '': root } = packages as unknown as Record<string, Record<string, Record<string, string>>>;
  for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies']) {
    for (const [name, version] of Object.entries(root![kind]!)) assert.match(version, /^\d+\.\d+\.\d+$/, name);
  }
});

// What is installed is what was looked at: the lockfile names each package by its content, and takes none from anywhere else.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

interface Locked {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly hasInstallScript?: boolean;
  readonly dev?: boolean;
  readonly inBundle?: boolean;
}

const ROOT = new URL('../../', import.meta.url);
const LICENSES = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
  'MIT-0',
  'MIT OR Apache-2.0',
  // It asks something of who changes the package's own files, which we do not.
  'MPL-2.0',
  'Unlicense',
]);
/** Packages that say nothing in the lockfile, or send one to read, with what their own files say. */
const LICENSES_READ: Readonly<Record<string, string>> = {
  '@kafkajs/confluent-schema-registry': 'MIT',
  '@segment/facade': 'MIT',
  '@segment/isodate': 'MIT',
  '@segment/isodate-traverse': 'MIT',
  'new-date': 'MIT',
};
/** They run code of theirs when they are installed: a binding to LevelDB, a check of versions, and Node itself for development. */
const WITH_SCRIPTS = new Set(['classic-level', 'node', 'protobufjs']);

const { packages } = JSON.parse(readFileSync(new URL('package-lock.json', ROOT), 'utf8')) as {
  packages: Readonly<Record<string, Locked>>;
};
const locked = Object.entries(packages)
  .filter(([path]) => path !== '')
  .map(([path, entry]) => ({
    name: path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
    path,
    ...entry,
  }));

test('each package is named by an exact version and by its content', () => {
  assert.ok(locked.length > 100);
  for (const { path, version, integrity } of locked) {
    assert.match(version ?? '', /^\d+\.\d+\.\d+/, path);
    assert.match(integrity ?? '', /^sha512-[A-Za-z0-9+/]{86}==$/, path);
  }
});

test('no package comes from elsewhere than the registry that npm is set to, under its own name', () => {
  for (const { path, name, version, resolved } of locked) {
    if (resolved === undefined) continue;
    const { pathname, protocol } = new URL(resolved);
    assert.equal(protocol, 'https:', path);
    assert.equal(pathname, `/${name}/-/${name.slice(name.indexOf('/') + 1)}-${version}.tgz`, path);
  }
});

test('each package has a licence that may be combined with ours', () => {
  for (const { path, name, license: stated } of locked) {
    const license = stated === undefined || /^SEE LICENSE IN /.test(stated) ? LICENSES_READ[name] : stated;
    assert.ok(LICENSES.has(license ?? ''), `${path}: ${stated}; look at it, and add it to LICENSES if it may`);
  }
});

test('only packages that must run code of theirs when they are installed', () => {
  for (const { path, name, hasInstallScript } of locked) {
    if (hasInstallScript === true) assert.ok(WITH_SCRIPTS.has(name), `${path} runs a script when it is installed`);
  }
});

test('what package.json asks for is asked for exactly', () => {
  const { dependencies, devDependencies, optionalDependencies } = JSON.parse(
    readFileSync(new URL('package.json', ROOT), 'utf8'),
  ) as Readonly<Record<string, Readonly<Record<string, string>>>>;
  for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies })) {
    assert.match(version, /^\d+\.\d+\.\d+$/, name);
    assert.equal(packages[`node_modules/${name}`]?.version, version, name);
  }
});

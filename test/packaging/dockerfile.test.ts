// The Dockerfile: without findings of a linter, and with everything in it that the sources need.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run as lint } from 'dockerfilelint';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const text = readFileSync(`${ROOT}Dockerfile`, 'utf8');
const ignored = readFileSync(`${ROOT}.dockerignore`, 'utf8');
const last = text.slice(text.lastIndexOf('\nFROM '));

/** Folders that are for development only. */
const NOT_SHIPPED = ['benchmarks', 'dist', 'docs', 'node_modules', 'simulation', 'test', 'docker'];

test('the linter finds nothing in the Dockerfile, and something in a bad one', () => {
  assert.deepEqual(lint(ROOT, text), []);
  assert.notDeepEqual(lint(ROOT, 'FROM node\nRUN sudo apt-get install curl\n'), []);
});

test('what the package carries is in the image, the build sees its sources, and nothing that does not exist is named', () => {
  const { files } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as { files: string[] };
  for (const entry of files.filter((name) => !name.startsWith('!'))) {
    const [top] = entry.split('/');
    assert.match(last, new RegExp(`^COPY .*\\b${top}\\b`, 'm'), entry);
  }
  const folders = readdirSync(ROOT, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && !NOT_SHIPPED.includes(entry.name))
    .map(({ name }) => name)
    .filter((name) =>
      readdirSync(join(ROOT, name), { recursive: true }).some((file) => /\.ts$|tripline$/.test(String(file))),
    );
  for (const folder of folders) assert.match(ignored, new RegExp(`^!${folder}$`, 'm'));
  for (const [, words] of text.matchAll(/^COPY (?!--from)(.+) \S+$/gm)) {
    for (const name of words!.split(' ')) assert.ok(existsSync(`${ROOT}${name.split('*')[0]}`), name);
  }
});

test('the worker runs as a user without rights, from a fixed version of Node that the sources need', () => {
  assert.match(last, /^USER node$/m);
  const versions = [...text.matchAll(/^FROM node:(\d+)\.\d+\.\d+-\S+/gm)].map(([, major]) => Number(major));
  assert.equal(versions.length, text.match(/^FROM /gm)!.length);
  const { engines } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as { engines: { node: string } };
  for (const major of versions) assert.ok(major >= Number(engines.node.replace('>=', '')));
});

test('signals reach Node: the entry point is no shell, and the launcher replaces itself', () => {
  assert.match(last, /^ENTRYPOINT \["\/app\/bin\/tripline"\]$/m);
  assert.match(readFileSync(`${ROOT}bin/tripline`, 'utf8'), /^ {4}exec "\$node"/m);
});

test('health is asked of the address at which the worker says that it lives', () => {
  assert.match(last, /HEALTHCHECK[\s\S]+\/health\/live/);
});

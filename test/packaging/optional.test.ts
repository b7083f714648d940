// Optional dependencies: what runs without them, and what is said where they are missing.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readSources } from '../../scripts/check-imports.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const WITHOUT = fileURLToPath(new URL('./fixtures/without-optional.ts', import.meta.url));

/** A command in a process of its own, in which no optional package can be found. */
function withoutOptional(...words: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', WITHOUT, 'apps/cli/main.ts', ...words], {
    cwd: ROOT,
    encoding: 'utf8',
    timeout: 120_000,
  });
  return { status, stdout, stderr };
}

test('the mail server of the demo and the SDK of AWS are optional dependencies', () => {
  const { dependencies, optionalDependencies } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as Record<
    string,
    Record<string, string>
  >;
  assert.deepEqual(Object.keys(optionalDependencies ?? {}), ['@aws-sdk/client-sesv2', 'smtp-server']);
  for (const name of Object.keys(optionalDependencies!)) assert.equal(dependencies![name], undefined);
});

test('without it the demo says what is missing and how to get it', () => {
  const { status, stdout, stderr } = withoutOptional('demo', '--exit');
  assert.equal(status, 1);
  assert.equal(stdout, '');
  assert.match(stderr, /^tripline: TRG_PACKAGE_MISSING the demo .* of the package smtp-server/);
  assert.match(stderr, /npm install smtp-server/);
  assert.doesNotMatch(stderr, /please report it/);
});

test('without it the commands of whoever runs workers work', () => {
  const { status, stderr } = withoutOptional('check', 'examples/shop');
  assert.deepEqual([status, stderr], [0, '']);
});

test('what is shipped imports only what a user has installed too: npm ci --omit=dev runs a worker', () => {
  const { dependencies, optionalDependencies } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as Record<
    string,
    Record<string, string>
  >;
  const installed = new Set([...Object.keys(dependencies!), ...Object.keys(optionalDependencies!), 'onnxruntime-node']);
  const shipped = /^(lib|schemas|rules|state|processors|topology|connectors|services|apps)\//;
  const found = new Set<string>();
  for (const { path, text } of readSources(ROOT).filter((source) => shipped.test(source.path))) {
    for (const [, from] of text.matchAll(
      /^(?:import|export) (?!type )[^;]*?from '([^.'][^']*)';|\bimport\('([^.'][^']*)'\)/gms,
    )) {
      if (from === undefined || from.startsWith('node:')) continue;
      const name = from
        .split('/')
        .slice(0, from.startsWith('@') ? 2 : 1)
        .join('/');
      found.add(name);
      assert.ok(installed.has(name), `${path} imports ${name}`);
    }
  }
  assert.ok(found.has('pino') && found.has('fastify'));
});

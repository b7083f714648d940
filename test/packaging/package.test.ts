// The npm package: packed, installed into an empty folder, and used as somebody does who has nothing else.
//
// It is built from what .dockerignore lets into the image's build, so that what is missing there is missing here.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const NODE_FOLDER = dirname(process.execPath);
const work = mkdtempSync(join(tmpdir(), 'tripline-package-'));
after(() => rmSync(work, { recursive: true, force: true }));

interface Ran {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

function run(folder: string, command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Ran {
  const PATH = `${NODE_FOLDER}:${process.env['PATH']}`;
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: folder,
    env: { ...process.env, PATH, npm_config_loglevel: 'error', ...env },
    encoding: 'utf8',
    timeout: 120_000,
  });
  return { status, out: stdout ?? '', err: `${stderr ?? ''}${error?.message ?? ''}` };
}

function succeeds(...[folder, command, args, env]: Parameters<typeof run>): string {
  const { status, out, err } = run(folder, command, args, env);
  assert.equal(status, 0, `${command} ${args.join(' ')}\n${out}\n${err}`);
  return out;
}

/** The package's own file, and the folder it was installed into. */
function installed(): { readonly tarball: string; readonly app: string } {
  const source = join(work, 'source');
  mkdirSync(source);
  const allowed = readFileSync(join(ROOT, '.dockerignore'), 'utf8').matchAll(/^!(.+)$/gm);
  for (const [, name] of allowed) cpSync(join(ROOT, name!), join(source, name!), { recursive: true });
  cpSync(join(ROOT, 'README.md'), join(source, 'README.md'));
  symlinkSync(join(ROOT, 'node_modules'), join(source, 'node_modules'));
  // `npm pack` builds first (prepack).
  succeeds(source, 'npm', ['pack', '--silent', '--pack-destination', work]);
  const tarball = join(work, readdirSync(work).find((name) => name.endsWith('.tgz'))!);
  const app = join(work, 'app');
  mkdirSync(app);
  const install = ['install', '--no-audit', '--no-fund', tarball];
  const { status } = run(app, 'npm', [...install, '--offline']);
  // What is not in npm's cache of this machine comes from the registry.
  if (status !== 0) succeeds(app, 'npm', install);
  return { tarball, app };
}

const { tarball, app } = installed();
const COMPILER = {
  module: 'NodeNext',
  target: 'ES2024',
  strict: true,
  noEmit: true,
  allowImportingTsExtensions: true,
  skipLibCheck: true,
  types: ['node'],
  typeRoots: [join(ROOT, 'node_modules/@types')],
};
const npx = (...words: string[]): string => succeeds(app, 'npx', ['--no-install', 'tripline', ...words]);
/** The same without npm's own second. */
const LAUNCHER = 'node_modules/.bin/tripline';
const tripline = (...words: string[]): string => succeeds(app, LAUNCHER, words);

test('the package carries what runs and what one reads, and nothing of development', () => {
  const files = succeeds(work, 'tar', ['tzf', tarball]).trimEnd().split('\n');
  const tops = new Set(files.map((file) => file.split('/').slice(1, 2)[0]!));
  assert.deepEqual([...tops].sort(), [
    'CHANGELOG.md',
    'LICENSE',
    'NOTICE',
    'README.md',
    'bin',
    'dist',
    'examples',
    'package.json',
    'schemas',
  ]);
  assert.deepEqual(
    files.filter((file) => /(?<!\.d)\.ts$|\.test\.|benchmarks|package\/dist\/(test|scripts)\b/.test(file)),
    [],
  );
  for (const name of readdirSync(join(ROOT, 'schemas'), { recursive: true, encoding: 'utf8' })) {
    if (name.endsWith('.avsc')) assert.ok(files.includes(`package/dist/schemas/${name.replaceAll('\\', '/')}`), name);
  }
});

test('it says its version, and runs the demo to its end', { timeout: 180_000 }, () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  assert.equal(tripline('--version'), `${version}\n`);
  const last = npx('demo', '--exit').trimEnd().split('\n').at(-1)!;
  assert.match(last, /^demo: 16302 events, 1288 fired, 334 suppressed, \d+ delivered$/);
});

test('in the folder of its installation init makes a project that is checked and tested', () => {
  assert.match(npx('init'), /npx tripline run/);
  assert.match(tripline('check', '.'), /; 0 errors, 0 warnings\n$/);
  assert.match(tripline('test', 'rules'), / 0 failed\n$/);
  assert.match(readFileSync(join(app, 'README.md'), 'utf8'), /^ {4}npx tripline run /m);
});

test('rules and a channel of one’s own, as docs/extending.md has them, compile against it, pass their tests and are taken', () => {
  const page = readFileSync(join(ROOT, 'docs/extending.md'), 'utf8');
  const files = [...page.matchAll(/^```ts\n(\/\/ (\S+)\n.*?)^```/gms)].map(([, text, name]) => [name!, text!] as const);
  assert.deepEqual(
    files.map(([name]) => name),
    ['rules.test.ts', 'chat.ts', 'chat.test.ts'],
  );
  for (const [name, text] of files) writeFileSync(join(app, name), text);
  const config = { compilerOptions: COMPILER, files: files.map(([name]) => name) };
  writeFileSync(join(app, 'tsconfig.json'), JSON.stringify(config));
  writeFileSync(
    join(app, 'package.json'),
    JSON.stringify({ ...JSON.parse(readFileSync(join(app, 'package.json'), 'utf8')), type: 'module' }),
  );
  succeeds(app, join(ROOT, 'node_modules/.bin/tsc'), ['-p', '.']);
  // A test runner that runs another says so in the environment, and the inner one then reports in its binary way.
  const tested = succeeds(app, 'node', ['--test', '--test-reporter=tap'], { NODE_TEST_CONTEXT: undefined });
  assert.match(tested, /^# pass (1[0-9])$/m);
  assert.match(tested, /^# fail 0$/m);
  const env = { TRIPLINE_CHANNEL_MODULES: './chat.ts' };
  writeFileSync(join(app, 'rules/chat.yaml'), 'id: told\nwhen: { event: told }\nthen: [{ send: { channel: chat } }]\n');
  succeeds(app, LAUNCHER, ['check', '.'], env);
  const without = run(app, LAUNCHER, ['check', '.']);
  assert.equal(without.status, 1);
  assert.match(without.out + without.err, /chat/);
  const broken = run(app, LAUNCHER, ['check', '.'], { TRIPLINE_CHANNEL_MODULES: './no.ts' });
  assert.equal(broken.status, 1);
  assert.match(broken.err, /TRIPLINE_CHANNEL_MODULES.*\.\/no\.ts cannot be loaded/);
});

test('a worker of a project delivers to a stand-in of its provider, as docs/channels/testing.md has it', {
  timeout: 120_000,
}, async () => {
  const page = readFileSync(join(ROOT, 'docs/channels/testing.md'), 'utf8');
  const files = [...page.matchAll(/^```\w+\n(?:\/\/|#) (\S+)\n(.*?)^```/gms)].map(
    ([, name, text]) => [name!, text!] as const,
  );
  assert.deepEqual(
    files.map(([name]) => name),
    ['tripline.yaml', 'rules/welcome.yaml', 'templates/welcome/sms.liquid', 'texts.test.ts'],
  );
  const folder = join(app, 'texts');
  for (const [name, text] of files) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  symlinkSync(join(app, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: COMPILER, files: ['texts.test.ts'] }));
  succeeds(folder, join(ROOT, 'node_modules/.bin/tsc'), ['-p', '.']);
  const env = { NODE_TEST_CONTEXT: undefined, TRIPLINE_HTTP_PORT: String(await freePort()) };
  const tested = succeeds(folder, 'node', ['--test', '--test-reporter=tap'], env);
  assert.match(tested, /^# pass 1$/m);
  assert.match(tested, /^# fail 0$/m);
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test('on a Node that is too old it says which it found, what it needs and how to get that', () => {
  const old = join(work, 'old');
  mkdirSync(old);
  writeFileSync(join(old, 'node'), '#!/bin/sh\necho v20.20.2\n', { mode: 0o755 });
  const { status, out, err } = run(app, LAUNCHER, ['demo'], { PATH: `${old}:/usr/bin:/bin` });
  assert.deepEqual([status, out], [1, '']);
  assert.match(err, /^tripline: needs Node 24 or newer \(on the PATH: v20\.20\.2; in node_modules: none\)\.\n/);
  assert.match(err, /\n {2}npm install node@24\n$/);
});

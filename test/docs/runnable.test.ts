// Every fenced block of README and docs, exactly as it stands: commands are run, files are written, configurations are checked.
//
// Invariants:
//   B1. A block without a language is text or a picture. Any other is run or checked here, or by the test that COVERED names, or a
//       comment above it says why it is not: `<!-- not run here: … -->`.
//
// Comments above a block: `config` (YAML of a tripline.yaml; what follows the colon is added to it), `mapping` (of CSV columns),
// `file: PATH` (written before the commands of the page run).

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadMapping } from '../../connectors/sources/files/csv-mapping.ts';
import { loadConfig } from '../../services/config/index.ts';
import { folderWith } from '../apps/cli/kit.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Pages whose blocks of a language another test takes, all of them. */
const COVERED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'docs/rules.md': { yaml: 'test/docs/rules-guide.test.ts', yml: 'test/docs/rules-guide.test.ts' },
  'docs/flows.md': { yaml: 'test/docs/rules-guide.test.ts' },
  'docs/cookbook.md': { yaml: 'test/docs/rules-guide.test.ts', yml: 'test/docs/rules-guide.test.ts' },
  'docs/ingest.md': {
    js: 'test/docs/ingest.test.ts',
    javascript: 'test/docs/ingest.test.ts',
    python: 'test/docs/ingest.test.ts',
    sh: 'test/docs/ingest.test.ts',
    yaml: 'test/docs/ingest.test.ts',
  },
  'docs/extending.md': { ts: 'test/packaging/package.test.ts' },
};
const REASON_LENGTH_MIN = 20;

interface Block {
  readonly line: number;
  readonly language: string;
  readonly text: string;
  /** Of the comment above it. */
  readonly kind: string | null;
  readonly words: string;
}

function blocksOf(page: string): Block[] {
  const lines = page.split('\n');
  const blocks: Block[] = [];
  for (let i = 0; i < lines.length; i++) {
    const language = /^```(\S*)$/.exec(lines[i]!)?.[1];
    if (language === undefined) continue;
    const end = lines.indexOf('```', i + 1);
    assert.notEqual(end, -1, `line ${i + 1}: a block without an end`);
    const [, kind = null, words = ''] = /^<!-- ([a-z ]+?)(?:: (.+))? -->$/.exec(lines[i - 1] ?? '') ?? [];
    const text = `${lines.slice(i + 1, end).join('\n')}\n`;
    if (language !== '') blocks.push({ line: i + 1, language, text, kind, words });
    i = end;
  }
  return blocks;
}

const docs = readdirSync(join(ROOT, 'docs'), { encoding: 'utf8' }).filter((name) => name.endsWith('.md'));
const PAGES = ['README.md', 'CONTRIBUTING.md', 'examples/README.md', ...docs.map((name) => `docs/${name}`)];

function checkConfig(t: TestContext, { text, words }: Block): void {
  const folder = folderWith(t, { 'tripline.yaml': `${text}${words}\n` });
  const names = [...text.matchAll(/\$\{([A-Z_]+)\}/g)].map(([, name]) => [name!, 'given']);
  const { warnings } = loadConfig({ file: 'tripline.yaml', folder, env: Object.fromEntries(names) });
  assert.deepEqual(warnings, []);
}

/** Checks what needs no shell; true for what does. */
function isCommand(t: TestContext, page: string, block: Block): boolean {
  const { language, text, kind, words } = block;
  const covered = COVERED[page]?.[language];
  if (covered !== undefined) assert.ok(existsSync(join(ROOT, covered)), covered);
  else if (kind === 'not run here') assert.ok(words.length >= REASON_LENGTH_MIN, 'a reason');
  else if (language === 'json') for (const line of text.trim().split('\n')) JSON.parse(line);
  else if (kind === 'config') checkConfig(t, block);
  else if (kind === 'mapping') loadMapping(join(folderWith(t, { 'map.yaml': text }), 'map.yaml'));
  else if (kind !== 'file') {
    assert.equal(language, 'sh', 'the block is neither run nor checked: say why in <!-- not run here: … --> above it');
    return true;
  }
  return false;
}

/** A clone as it is after `npm ci`, in which commands may write. */
function clone(t: TestContext): string {
  const folder = folderWith(t, {});
  for (const name of readdirSync(ROOT)) {
    if (name === 'examples') cpSync(join(ROOT, name), join(folder, name), { recursive: true, filter: isSource });
    else if (!['.git', 'data', 'out', 'rules'].includes(name)) symlinkSync(join(ROOT, name), join(folder, name));
  }
  return folder;
}

function isSource(path: string): boolean {
  return !/\/examples\/[^/]+\/data(\/|$)/.test(path);
}

/** Ports of the pages are those of other programs of this machine, too: a network of its own where the system gives one. */
const OWN_NETWORK = spawnSync('unshare', ['--net', 'true']).status === 0;

function shell(folder: string, script: string): { status: number | null; out: string } {
  const own = OWN_NETWORK ? 'ip link set lo up\n' : '';
  // What a page starts beside it ends with it. `wait`: an example's folder is not removed under a worker.
  const text = `set -euo pipefail\n${own}trap 'code=$?; kill $(jobs -p) 2>/dev/null || true; wait; exit $code' EXIT\n${script}`;
  const command = OWN_NETWORK ? ['unshare', '--net', 'bash'] : ['bash'];
  const { status, stdout, stderr } = spawnSync(command[0]!, [...command.slice(1), '-c', text], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 240_000,
    env: { ...process.env, NO_COLOR: '1' },
  });
  return { status, out: `${stdout}${stderr}` };
}

/** What the commands of a page must have shown. */
const SHOWN: Readonly<Record<string, readonly RegExp[]>> = {
  'README.md': [
    // The numbers that the demo ends with, whose text suggests the same backtest.
    /^backtest: 1716 fired, 329 suppressed; see out$/m,
    /^ready on http:\/\/127\.0\.0\.1:8080$/m,
    /^\S+ {2}payment-trouble {2}user\/u1 {2}fired/m,
    /^payment-trouble \(version [0-9a-f]+\) for user u1$/m,
    /^\d+ topics: /m,
    /^entities_0/m,
    /^ok {3}cart-abandonment: fires a day later$/m,
  ],
  'examples/README.md': [/^ready on /m],
};

for (const page of PAGES) {
  test(`every block of ${page} is run or checked as it stands, or says why not (B1)`, { timeout: 300_000 }, (t) => {
    const blocks = blocksOf(readFileSync(join(ROOT, page), 'utf8'));
    const commands: string[] = [];
    for (const block of blocks) {
      try {
        if (isCommand(t, page, block)) commands.push(block.text);
      } catch (error) {
        throw new Error(`${page}:${block.line}: ${(error as Error).message}`, { cause: error });
      }
    }
    if (commands.length === 0) return;
    const folder = clone(t);
    for (const { kind, words, text } of blocks.filter((block) => block.kind === 'file')) {
      assert.equal(kind, 'file');
      if (existsSync(join(folder, dirname(words)))) assert.fail(`${words} is in the way`);
      mkdirSync(join(folder, dirname(words)), { recursive: true });
      writeFileSync(join(folder, words), text);
    }
    const { status, out } = shell(folder, commands.join('\n'));
    assert.equal(status, 0, out);
    for (const shown of SHOWN[page] ?? []) assert.match(out, shown);
  });
}

test('the reader of blocks knows text from blocks, and the comment of a block from others', () => {
  const page = 'a\n```\nbox\n```\n<!-- config: a: 1 -->\n```yaml\nb: 2\n```\n<!-- other -->\n\n```sh\nls\n```\n';
  assert.deepEqual(blocksOf(page), [
    { line: 6, language: 'yaml', text: 'b: 2\n', kind: 'config', words: 'a: 1' },
    { line: 11, language: 'sh', text: 'ls\n', kind: null, words: '' },
  ]);
});

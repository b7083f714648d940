// What pages and comments point to is there: links, their headings, and files that are named.

import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readSources } from '../../scripts/check-imports.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FOLDERS =
  'lib|schemas|rules|state|processors|topology|connectors|services|apps|testing|test|docs|scripts|benchmarks|examples';
const MARKDOWN = globSync(['*.md', 'docs/**/*.md', 'examples/**/*.md', 'benchmarks/*.md'], { cwd: ROOT })
  .filter((path) => !path.includes('node_modules'))
  .sort();
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** As GitHub makes them of headings. */
function anchorsOf(page: string): Set<string> {
  const headings = [...page.replace(/^```.*?^```/gms, '').matchAll(/^#+ (.+)$/gm)].map(([, title]) => title!);
  return new Set(
    headings.map((title) =>
      title
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

/** A name of a page: `*` and `<…>` stand for anything, and endings may be left out. */
function isThere(path: string): boolean {
  const pattern = path.replace(/<\w+>/g, '*').replace(/\/$/, '');
  return globSync([pattern, `${pattern}.ts`, `${pattern}.test.ts`], { cwd: ROOT }).length > 0;
}

test('every link of a page leads to a file and a heading that are there', () => {
  const broken: string[] = [];
  for (const page of MARKDOWN) {
    const text = read(page).replace(/^```[\s\S]*?^```/gm, '');
    for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^\w+:/.test(target!)) continue;
      const [path, anchor] = target!.split('#', 2) as [string, string?];
      const file = path === '' ? page : join(dirname(page), path);
      const isBroken = !existsSync(join(ROOT, file)) || (anchor !== undefined && !anchorsOf(read(file)).has(anchor));
      if (isBroken) broken.push(`${page}: ${target}`);
    }
  }
  assert.ok(MARKDOWN.length > 30);
  assert.deepEqual(broken, []);
});

test('every file that a comment names is there: a path as it stands, a bare name in some folder', () => {
  const named = /(?<![\w./<>*-])[\w./<>*-]*\w\.(?:ts|md)\b/g;
  const path = new RegExp(`^(?:${FOLDERS})/`);
  const sources = readSources(ROOT);
  const known = new Set([...sources.map((source) => source.path), ...MARKDOWN].map((each) => basename(each)));
  const missing: string[] = [];
  let count = 0;
  for (const source of sources) {
    const comments = [...source.text.matchAll(/^\s*(?:\/\/|\/?\*).*$/gm)].map(([line]) => line).join('\n');
    for (const [name] of comments.matchAll(named)) {
      count++;
      const isKnown = path.test(name) ? isThere(name) : known.has(basename(name)) || /[<*]/.test(name);
      if (!isKnown) missing.push(`${source.path}: ${name}`);
    }
  }
  assert.ok(count > 300);
  assert.deepEqual(missing, []);
});

for (const page of ['docs/architecture.md', 'docs/design.md', 'CONTRIBUTING.md']) {
  test(`every folder and file that ${page} names is there, a bare name in a folder that its paragraph names`, () => {
    const missing: string[] = [];
    for (const paragraph of read(page).split(/\n\n|\n(?=\d+\. |\| )/)) {
      const names = [...paragraph.matchAll(/`([\w./<>*-]+)`/g)].map(([, name]) => name!);
      const whole = names.filter((name) => new RegExp(`^(?:${FOLDERS})/`).test(name));
      missing.push(...whole.filter((name) => !isThere(name)));
      const bare = names.filter((name) => /^[\w<>*-]+\.(?:ts|avsc)$/.test(name));
      const folders = whole.map((name) => (/\.\w+$/.test(basename(name)) ? dirname(name) : name.replace(/\/$/, '')));
      missing.push(...bare.filter((name) => !folders.some((folder) => isThere(`${folder}/${name}`))));
    }
    assert.deepEqual(missing, []);
  });
}

test('every file that a page names by its path is there', () => {
  const missing: string[] = [];
  for (const page of MARKDOWN) {
    const names = [...read(page).matchAll(/`([\w./<>*-]+\.(?:ts|md|avsc))`/g)].map(([, name]) => name!);
    const whole = names.filter((name) => new RegExp(`^(?:${FOLDERS})/`).test(name));
    missing.push(...whole.filter((name) => !isThere(name)).map((name) => `${page}: ${name}`));
  }
  assert.deepEqual(missing, []);
});

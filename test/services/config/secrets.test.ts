import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type FieldSchema, settingsOf } from '../../../services/config/environment.ts';
import { loadConfig, redact } from '../../../services/config/index.ts';
import { ConfigSchema } from '../../../services/config/schema.ts';

const WORD = 'hunter2';
const NUMBER = 73573573;
const MARK = /hunter2|73573573|7\.3573573|unter2|hunte/;

const SECRETS = settingsOf(ConfigSchema as FieldSchema).filter(({ schema }) => schema.secret === true);

/** Everything that may be said about a configuration: errors, warnings, and what is logged of it. */
function saidOf(t: TestContext, text: string, env: Readonly<Record<string, string>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'tripline-secrets-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'tripline.yaml'), text);
  const warned: string[] = [];
  const listen = (warning: Error): number => warned.push(warning.message);
  process.on('warning', listen);
  try {
    const { config, warnings } = loadConfig({ folder, env });
    return [...warnings, ...warned, JSON.stringify(redact(config))].join('\n');
  } catch (error) {
    return [(error as Error).message, ...warned].join('\n');
  } finally {
    process.off('warning', listen);
  }
}

/** The value as the setting at `path`. */
function nested(path: readonly (string | number)[], value: unknown): unknown {
  return path.reduceRight<unknown>((inner, name) => ({ [name]: inner }), value);
}

const WRONG: readonly (readonly [kind: string, value: unknown])[] = [
  ['a number', NUMBER],
  ['a fraction', NUMBER / 1e7],
  ['a text', WORD],
  ['an empty text', ''],
  ['a list', [WORD, NUMBER]],
  ['a list of lists', [[WORD], [NUMBER]]],
  ['a list of mappings', [{ other: NUMBER }, { name: WORD, hash: WORD, roles: [WORD], expires: WORD }]],
  ['a mapping', { [WORD]: WORD }],
  ['a mapping of numbers', { a: NUMBER, b: { c: [NUMBER] } }],
  ['true', true],
  ['nothing', null],
];

for (const { path } of SECRETS) {
  test(`nothing of a wrong value of ${path.join('.')} is said, whatever it is`, (t) => {
    for (const [kind, value] of WRONG) {
      // Names of headers are shown: only their values are secret.
      const isHeaders = path.at(-1) === 'headers' && typeof value === 'object' && !Array.isArray(value);
      // So are those of hooks, which stand in their URLs: what is under such a name is not.
      const said = saidOf(t, JSON.stringify(nested(path, value))).replaceAll(`"http.hooks.${WORD}"`, '');
      if (!isHeaders) assert.doesNotMatch(said, MARK, kind);
    }
  });
}

for (const { path, variable } of SECRETS) {
  test(`nothing of a wrong ${variable} is said, whatever it is`, (t) => {
    for (const text of [
      WORD,
      `[${WORD}`,
      `["${WORD}", ${NUMBER}, [${NUMBER}]]`,
      `[{"name": 5, "hash": "${WORD}"}]`,
      `{"a": [${NUMBER}]}`,
      `${NUMBER}`,
    ]) {
      assert.doesNotMatch(saidOf(t, '', { [variable]: text }), MARK, `${path.join('.')} ${text}`);
    }
  });
}

const SYNTAX = [
  `*${WORD}`,
  `|${WORD}`,
  `>-${WORD}`,
  `!${WORD} x`,
  `!!${WORD} x`,
  `&${WORD}`,
  `"${WORD}`,
  `"\\q${WORD}"`,
  `"\\${WORD}"`,
  `'${WORD}' ${WORD}`,
  `@${WORD}`,
  `%${WORD}`,
  `\`${WORD}`,
  `[${WORD}`,
  `{${WORD}: {`,
  `${WORD}: x`,
  `x ${WORD}: y: z`,
  `${WORD}\n ${WORD}: 1`,
  `{ ? [${WORD}] : 1 }`,
  `"x" ${WORD}`,
];

for (const text of SYNTAX) {
  test(`nothing of a password that is no YAML is said: ${text.replaceAll(WORD, '…').replaceAll('\n', '⏎')}`, (t) => {
    const said = saidOf(
      t,
      `channels:\n  email:\n    host: h\n    from: a@b.test\n    username: u\n    password: ${text}\n`,
    );
    assert.doesNotMatch(said, MARK);
  });
}

test('a password that YAML would leave out in part is a mistake, with what to do', (t) => {
  for (const text of [`!${WORD} x`, `*${WORD}`, `@${WORD}`]) {
    const said = saidOf(t, `channels: { email: { host: h, from: a@b.test, username: u, password: ${text} } }\n`);
    assert.match(said, /tripline\.yaml:1:\d+: .*stands in quotes/, text);
  }
});

test('the second half of a password with a comma is not shown as an unknown field', (t) => {
  const said = saidOf(t, `channels: { email: { host: h, from: a@b.test, username: u, password: abc,${WORD} } }\n`);
  assert.doesNotMatch(said, MARK);
  assert.match(
    said,
    /a field that is not known, and has no value \(if it is a part of a password, put that in quotes\)/,
  );
});

test('a password within a URL is hidden to its end', (t) => {
  const said = saidOf(t, `registry: { url: "http://u:x@${WORD}:y@h.test/" }\n`);
  assert.doesNotMatch(said, MARK);
});

import './install.ts';

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readSources } from '../../scripts/check-imports.ts';
import { CANNOT, edgesOf, FAULTS, ROOT } from '../../scripts/edges.ts';
import type { Injections } from './injections.ts';

const { connector, deadline, decode, evaluate, expression } = await import('./processing.ts');
const { known, model, render, send } = await import('./delivering.ts');
const { publish, read, restore } = await import('./log.ts');
const { channelModule, eventFile, file, question, request, rules, schema, start, telemetry, thread } = await import(
  './outside.ts'
);

const INJECTIONS: Readonly<Record<string, Injections>> = {
  connector,
  deadline,
  decode,
  evaluate,
  expression,
  known,
  model,
  render,
  send,
  publish,
  read,
  restore,
  'channel-module': channelModule,
  'event-file': eventFile,
  file,
  question,
  request,
  rules,
  schema,
  start,
  telemetry,
  thread,
};

const edges = edgesOf(readSources(ROOT));

test('each edge that the code states is made to fail here, and no other', () => {
  assert.deepEqual(Object.keys(INJECTIONS).sort(), edges.map(({ name }) => name).sort());
});

for (const { name, outcomes } of edges) {
  for (const fault of FAULTS) {
    const outcome = outcomes[fault];
    const injection =
      INJECTIONS[name]?.[fault] ?? (/^as a (throw|hang)/.test(outcome) ? INJECTIONS[name]?.throws : undefined);
    test(`${name} ${fault}: ${outcome}`, { timeout: 90_000 }, async (t) => {
      if (CANNOT.test(outcome)) {
        assert.equal(injection, undefined, 'what cannot be cannot be injected');
        assert.ok(outcome.length > 'cannot: '.length + 10, 'the reason is there');
        return;
      }
      assert.ok(injection !== undefined, `test/edges injects no fault "${fault}" at the edge ${name}`);
      if (typeof injection === 'function') return injection(t);
      const text = readFileSync(join(ROOT, injection.file), 'utf8');
      assert.ok(text.includes(injection.test), `${injection.file} has no test "${injection.test}…"`);
    });
  }
}

// A data folder that version 0.1.0 wrote goes on under this one: from its state, and from its changelog alone.

import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { state as stateCommand } from '../../../apps/cli/commands/state.ts';
import { runWorker } from '../../../apps/worker/worker.ts';
import { createLogger } from '../../../lib/logger.ts';
import type { Decision } from '../../../schemas/decision.ts';
import { decisionCodec } from '../../../schemas/framed.ts';
import type { JsonObject } from '../../../schemas/json.ts';
import { loadConfig } from '../../../services/config/index.ts';
import { readTopic } from '../../../services/topics/read-topic.ts';
import { until } from '../../../testing/until.ts';
import type { Log } from '../../../topology/engine/ports.ts';
import { run } from '../cli/kit.ts';

const WRITTEN = fileURLToPath(new URL('../../fixtures/written-by-0.1.0/', import.meta.url));

function copyOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'tripline-older-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(WRITTEN, folder, { recursive: true });
  return folder;
}

/** Right after what was written, whenever this runs: windows of 30 days are not over by then. */
const AT = Date.UTC(2026, 11, 1, 0, 35);
/** Name, properties: in this order, of u1, a second apart. */
const EVENTS: readonly (readonly [string, JsonObject])[] = [
  ['view', { product: 'p1', price: 70 }],
  ['view', { product: 'p3', price: 70 }],
  ['paid', { value: 50 }],
  ['hello', {}],
  ['ask', {}],
];

/** What this version asks to be told and that one did not. */
const ENV = { TRIPLINE_VALID_FOR_MARKETING: 'forever', TRIPLINE_DELIVERED_ELSEWHERE: 'email,webhook' };

async function append(log: Log): Promise<void> {
  const writer = await log.openWriter('feed');
  const key = Buffer.from('u1');
  writer.send(
    EVENTS.map(([event, properties], i) => {
      const timestamp = AT + 1_000 * i;
      const json = { messageId: `n${i}`, type: 'track', userId: 'u1', event, properties, timestamp };
      const value = Buffer.from(JSON.stringify({ ...json, timestamp: new Date(timestamp).toISOString() }));
      return { topic: 'events.shop', partition: 0, timestamp, key, value, headers: [] };
    }),
  );
  await writer.commit('feed', []);
  await writer.close();
}

async function decisionsOf(log: Log): Promise<Decision[]> {
  const decisions: Decision[] = [];
  for await (const { value } of readTopic(log, 'tripline.decisions')) decisions.push(decisionCodec.decode(value!));
  return decisions;
}

for (const from of ['its state', 'its changelog']) {
  test(`what version 0.1.0 remembered goes on, from ${from}`, async (t) => {
    const folder = copyOf(t);
    if (from === 'its changelog') rmSync(join(folder, 'written', 'state'), { recursive: true });
    const { config } = loadConfig({ file: 'tripline.yaml', env: ENV, folder });
    const stop = new AbortController();
    const running = Promise.withResolvers<Log>();
    const logger = createLogger('test', { write: () => {} });
    const worker = runWorker({ config, logger, beforeRunning: append, onRunning: running.resolve }, stop.signal);
    const log = await Promise.race([running.promise, worker.then(() => assert.fail('the worker ended'))]);
    let decisions: Decision[] = [];
    const areMade = async (): Promise<boolean> => {
      decisions = (await decisionsOf(log)).slice(6);
      return decisions.some(({ rule }) => rule === 'visit') && decisions.some(({ rule }) => rule === 'both');
    };
    const seen = (): string[] => decisions.map(({ rule }) => rule);
    await until(areMade, { message: 'what two rules find is decided', seen });
    stop.abort();
    await worker;
    assert.deepEqual(decisions.map(({ rule, outcome, reason }) => `${rule} ${reason ?? outcome}`).toSorted(), [
      'asked fired',
      'both fired',
      'by-cart fired',
      'capped cap',
      'cools cooldown',
      'enters fired',
      'limited fired',
      'looked-at cap',
      'spent fired',
      'third-view fired',
      'three-products fired',
      'visit fired',
    ]);
    const fired = new Map(decisions.map((decision) => [decision.rule, decision]));
    assert.deepEqual(fired.get('third-view')!.events, ['m2', 'm3', 'n0']);
    assert.deepEqual(fired.get('three-products')!.events, ['m3', 'n0', 'n1']);
    assert.deepEqual(fired.get('by-cart')!.events, ['m2', 'n0']);
    assert.equal(fired.get('asked')!.values['profile.plan'], 'pro');
  });
}

test('its documents read the same as it showed them itself', async (t) => {
  const folder = copyOf(t);
  const ran = await run(['state', 'inspect', '--user', 'u1', '--json'], [stateCommand], folder, ENV);
  assert.equal(ran.code, 0, ran.err);
  const shown = JSON.parse(readFileSync(join(WRITTEN, 'inspected.json'), 'utf8'));
  // What that version knew nothing of is not there.
  assert.deepEqual(JSON.parse(ran.out), { ...shown, devices: [], flows: [], onTheWay: [], suppressedAddresses: [] });
});

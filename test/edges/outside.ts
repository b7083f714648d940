// Faults of files, rules and modules; and, by the names of their tests, of what only a whole process can show.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { check } from '../../apps/cli/commands/check.ts';
import { installedChannels } from '../../connectors/channels/installed.ts';
import { RecordError, RetryableError } from '../../lib/errors.ts';
import { loadConfig } from '../../services/config/index.ts';
import { loadFlawlessProject } from '../../services/project/load-project.ts';
import { RulesFolder } from '../../services/rules/rules-folder.ts';
import { resourceOf, startExporters } from '../../services/telemetry/exporters.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { MemoryLog } from '../../testing/memory-log.ts';
import { until } from '../../testing/until.ts';
import type { Log } from '../../topology/engine/ports.ts';
import { folderWith, run } from '../apps/cli/kit.ts';
import { recordingLogger } from '../connectors/logs/embedded/kit.ts';
import type { Elsewhere, Injections } from './injections.ts';

const RULE = 'id: paid\nwhen: { event: paid }\n';

function elsewhere(file: string, test: string): Elsewhere {
  return { file: `test/${file}`, test };
}

export const file: Injections = {
  throws: elsewhere(
    'apps/cli/strange-files.test.ts',
    'rules, segments, templates and caps that are no UTF-8 are errors',
  ),
  async 'too large'(t) {
    const folder = folderWith(t, { 'tripline.yaml': 'application: shop\n', 'rules/paid.yaml': RULE });
    writeFileSync(join(folder, 'rules/events.yaml'), Buffer.alloc(17 * 1024 * 1024, ' '));
    const { code, out, err } = await run(['check', '.'], [check], folder);
    assert.equal(code, 1);
    assert.match(out + err, /events\.yaml.*it has 17825792 bytes, at most 16777216 are read/);
    assert.doesNotMatch(out + err, /please report it|\n {4}at /);
  },
};

/** A worker's folder of rules, published once, on a log whose writers do what the test says. */
async function publishing(t: TestContext, meets: () => Promise<void> | undefined) {
  const folder = folderWith(t, { 'tripline.yaml': 'application: shop\nrules: ./rules\n', 'rules/paid.yaml': RULE });
  const { config } = loadConfig({ file: 'tripline.yaml', env: {}, folder });
  const clock = new FakeClock();
  const memory = new MemoryLog(clock);
  const { notices, logger } = recordingLogger();
  let isFaulty = false;
  const log = Object.create(memory, {
    openWriter: {
      value: async (id: string) => {
        if (isFaulty) await meets();
        return memory.openWriter(id);
      },
    },
    admin: { value: memory.admin },
    openReader: { value: () => memory.openReader() },
  }) as Log;
  const rules = new RulesFolder({ config, log, clock, logger });
  await rules.publish(loadFlawlessProject({ paths: [config.rules], folder, config, isLive: true }));
  const change = (id: string): void => writeFileSync(join(folder, 'rules', 'paid.yaml'), RULE.replace('paid', id));
  const said = (message: string): number => notices.filter((notice) => notice.message === message).length;
  return {
    rules,
    change,
    said,
    turn: (faulty: boolean) => {
      isFaulty = faulty;
    },
  };
}

/** The rules before stay, and the next publication comes through. */
async function staysInForce(t: TestContext, meets: () => Promise<void>): Promise<void> {
  const { rules, change, said, turn } = await publishing(t, meets);
  change('other');
  turn(true);
  await rules.reload();
  assert.deepEqual([said('the rules before stay in force'), said('rules published')], [1, 1]);
  turn(false);
  await rules.reload();
  assert.equal(said('rules published'), 2);
}

export const rules: Injections = {
  throws: (t) =>
    staysInForce(t, () => {
      throw new TypeError('a bug');
    }),
  rejects: (t) => staysInForce(t, () => Promise.reject(new RetryableError('TRG_LOG_UNREACHABLE', 'the log is away'))),
  async hangs(t) {
    const ended = Promise.withResolvers<void>();
    const { rules: folder, change, said, turn } = await publishing(t, () => ended.promise);
    change('other');
    turn(true);
    const first = folder.reload();
    const second = folder.reload();
    await new Promise(setImmediate);
    assert.equal(said('rules published'), 1);
    ended.resolve();
    await Promise.all([first, second]);
    assert.deepEqual([said('rules published'), said('the rules before stay in force')], [2, 0]);
  },
  'too large': (t) =>
    staysInForce(t, () => Promise.reject(new RecordError('TRG_RECORD_TOO_LARGE', 'a record has much'))),
};

async function isNamed(t: TestContext, source: string): Promise<void> {
  const folder = folderWith(t, { 'bad.ts': source });
  const { channels, problems } = await installedChannels('./bad.ts,./none.ts', folder, []);
  assert.deepEqual(channels, []);
  assert.deepEqual(
    problems.map((problem) => problem.split(' ', 1)[0]),
    ['./bad.ts', './none.ts'],
  );
}

export const channelModule: Injections = {
  throws: (t) => isNamed(t, "throw new TypeError('a bug');\n"),
  rejects: (t) => isNamed(t, "await Promise.reject(new Error('no'));\n"),
};

/** A collector that does this to each export costs a line in the log, and a stop ends soon. */
async function isLost(t: TestContext, url: string, isSaid: boolean): Promise<void> {
  const { notices, logger } = recordingLogger();
  const otlp = { url, headers: {}, intervalMs: 50 };
  const exporters = startExporters(otlp, {
    resource: resourceOf('shop'),
    traces: false,
    collect: () => ({ scope: { name: 'x' }, metrics: [] }),
    logger,
  });
  const said = (): boolean => notices.some(({ message }) => message === 'telemetry');
  if (isSaid) await until(said, { message: 'it is said', seen: () => notices });
  else await until(() => exports > 0, { message: 'it was sent something' });
  await until(() => exporters.close().then(() => true), { message: 'a stop ends', deadlineMs: 8_000 });
  t.diagnostic(`${notices.length} lines`);
}

let exports = 0;

export const telemetry: Injections = {
  throws: (t) => isLost(t, 'http://127.0.0.1:1', true),
  async hangs(t) {
    const server = createServer(() => exports++);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    await isLost(t, `http://127.0.0.1:${(server.address() as AddressInfo).port}`, false);
  },
};

export const eventFile: Injections = {
  throws: elsewhere('connectors/sources/files/read-events.test.ts', 'a malformed row is an error at its line'),
  rejects: elsewhere('connectors/sources/files/read-events.test.ts', 'a missing file is a clear error'),
  'too large': elsewhere('connectors/sources/files/read-events.test.ts', 'a line that is too long is one error entry'),
};

export const request: Injections = {
  throws: elsewhere(
    'apps/http/ingest/edges.test.ts',
    'a handler that throws, rejects or throws nothing is answered with 500',
  ),
  hangs: elsewhere('apps/http/ingest/edges.test.ts', 'a head or a body that never ends is cut off with 408 in time'),
  'too large': elsewhere(
    'apps/http/ingest/requests.test.ts',
    'a batch of 500 KB is taken, and a byte more refused with 413',
  ),
};

export const question: Injections = {
  throws: elsewhere(
    'apps/worker/answer-thread.test.ts',
    'what it wants to know of tasks is asked of them, and their errors go back',
  ),
  hangs: elsewhere(
    'apps/worker/answer-thread.test.ts',
    'a question that takes too long is given up, and the thread goes on',
  ),
  'too large': elsewhere('apps/worker/answer-thread.test.ts', 'a thread that ends by itself ('),
};

export const thread: Injections = {
  throws: elsewhere('apps/worker/threads.test.ts', 'a thread that crashes is reported and started again'),
  hangs: elsewhere('services/telemetry/health.test.ts', 'a loop that does nothing at all is not alive'),
};

export const start: Injections = {
  throws: elsewhere('apps/cli/dispatch.test.ts', 'an error of the engine is one line with its causes, and a hint'),
  hangs: elsewhere(
    'apps/worker/acls.test.ts',
    'a worker without a broker says so, is live but not ready, and ends well',
  ),
};

export const schema: Injections = {
  throws: elsewhere(
    'connectors/sources/schema-registry/registry.test.ts',
    'while the registry is down a schema is waited for',
  ),
  hangs: elsewhere(
    'connectors/sources/schema-registry/registry.test.ts',
    'a registry that never answers is given up after 10 s',
  ),
  'too large': elsewhere(
    'connectors/sources/schema-registry/registry.test.ts',
    'a schema of many megabytes is not taken',
  ),
};

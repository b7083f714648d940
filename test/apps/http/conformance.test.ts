// A real worker against its own OpenAPI document: schemathesis makes up requests, right and wrong ones, and looks for answers that
// are faults or not in the document.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createKey } from '../../../services/keys/keys.ts';
import { until } from '../../../testing/until.ts';
import { pythonPrograms } from '../../clients/python.ts';

const LAUNCHER = fileURLToPath(new URL('../../../bin/tripline', import.meta.url));
/** In all a minute: what a longer search would find is found by running it by hand. */
const SEARCH_S = 20;
/** On a machine that is busy with much else. */
const START_MS = 180_000;
const ANSWER_S = 60;
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_schema_conformance',
].join(',');

/** Its address, and the key for its management API. */
async function startWorker(t: TestContext): Promise<{ readonly url: string; readonly apiKey: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'tripline-conformance-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const { key, ...entry } = createKey('test', ['viewer', 'approver'], null);
  mkdirSync(join(folder, 'rules'));
  writeFileSync(join(folder, 'rules/one.yaml'), 'id: one\nwhen: { event: purchase }\n');
  const http = { port: 0, writeKeys: ['k1'], keys: [entry] };
  writeFileSync(join(folder, 'tripline.yaml'), JSON.stringify({ application: 'shop', http }));
  const child = spawn(LAUNCHER, ['run'], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  const exited = once(child, 'exit');
  t.after(async () => {
    child.kill('SIGTERM');
    await exited;
  });
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  createInterface({ input: child.stderr }).on('line', (line) => {
    const { url, msg } = JSON.parse(line) as { url?: string; msg?: string };
    if (url !== undefined && msg === 'taking events over HTTP') resolve(url);
  });
  void exited.then(([code]) => reject(new Error(`the worker ended with ${code}`)));
  const url = await promise;
  const isReady = async (): Promise<boolean> => (await fetch(`${url}/health/ready`)).status === 200;
  await until(isReady, { message: 'the worker is ready', deadlineMs: START_MS });
  return { url, apiKey: key };
}

test('no request brings a fault, or an answer that is not in the document', { timeout: 600_000 }, async (t) => {
  const programs = await pythonPrograms(new URL('../../clients/schemathesis.txt', import.meta.url));
  const { url, apiKey } = await startWorker(t);
  const search = async (paths: string, authorization: string): Promise<void> => {
    const options = ['--include-path-regex', paths, '--checks', CHECKS, '-H', `Authorization: ${authorization}`];
    const times = ['--max-time', String(SEARCH_S), '--request-timeout', String(ANSWER_S)];
    const bounds = [...times, '--phases', 'coverage,fuzzing', '--no-color', '--warnings', 'off'];
    const args = ['run', `${url}/openapi.json`, ...options, ...bounds];
    const ended = await new Promise<{ code: number; text: string }>((resolve) => {
      execFile(join(programs, 'schemathesis'), args, { maxBuffer: 1 << 26 }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code ?? 1), text: stdout + stderr }),
      );
    });
    assert.equal(ended.code, 0, ended.text);
    assert.match(ended.text, /Test cases:|[1-9]\d* generated/);
  };
  await search('^/v1/', `Basic ${Buffer.from('k1:').toString('base64')}`);
  await search('^/(api|health|metrics)', `Bearer ${apiKey}`);
});

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import pino from 'pino';
import { runThreads, type ThreadsOptions } from '../../../apps/worker/threads.ts';
import { systemClock } from '../../../lib/clock.ts';
import { ThreadReports } from '../../../services/telemetry/thread-report.ts';
import type { Log } from '../../../topology/engine/ports.ts';
import type { Life, ScriptedThreadData } from './scripted-thread.ts';

function started(t: TestContext, scripts: readonly (readonly Life[])[]) {
  const lives = new Int32Array(new SharedArrayBuffer(4 * scripts.length));
  const data = { scripts, lives } satisfies ScriptedThreadData;
  const lines: Record<string, unknown>[] = [];
  const logger = pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const stop = new AbortController();
  t.after(() => stop.abort());
  const running = Promise.withResolvers<void>();
  const options: ThreadsOptions = {
    data: data as unknown as ThreadsOptions['data'],
    count: scripts.length,
    opened: { kind: 'kafka', log: {} as Log },
    reports: new ThreadReports({ threads: scripts.length, since: systemClock.now(), takeSpans: () => {} }),
    clock: systemClock,
    logger,
    onRunning: running.resolve,
    entry: new URL('./scripted-thread.ts', import.meta.url),
  };
  return { ran: runThreads(options, stop.signal), running: running.promise, stop, lives, lines };
}

test('a thread that crashes is reported and started again, and the others go on (W3)', async (t) => {
  const { ran, running, stop, lives, lines } = started(t, [['crash', 'exit', 'run'], ['run']]);
  await running;
  stop.abort();
  await ran;
  assert.deepEqual([...lives], [3, 1]);
  assert.deepEqual(
    lines.map(({ thread, error }) => [thread, error]),
    [
      [0, 'a bug'],
      [0, 'it ended with code 3'],
    ],
  );
});

test('a thread that fails for good stops the others, and its error is thrown (W2)', async (t) => {
  const { ran, lives } = started(t, [['fail'], ['run']]);
  await assert.rejects(ran, { code: 'TRG_TOPIC_MISSING', message: /events.shop/ });
  assert.deepEqual([...lives], [1, 1]);
});

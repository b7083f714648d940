import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FatalError, FencedError, RetryableError } from '../../../lib/errors.ts';
import { FakeClock } from '../../../testing/fake-clock.ts';
import type { EngineThread } from '../../../topology/engine/engine-thread.ts';
import { supervise } from '../../../topology/engine/supervise.ts';

/** Engines whose polls go by a script: an error is thrown, 'ok' passes; when it is over the signal aborts. */
function scripted(script: readonly (Error | 'ok')[]) {
  const clock = new FakeClock();
  const stop = new AbortController();
  const log: string[] = [];
  const steps = [...script];
  const engine = {
    poll: async () => {
      const step = steps.shift();
      if (step === undefined) stop.abort();
      else if (step !== 'ok') throw step;
      return true;
    },
    drain: async () => void log.push('drain'),
    close: async () => void log.push('close'),
  } as unknown as EngineThread;
  const running = supervise(
    {
      open: async () => {
        log.push('open');
        return engine;
      },
      clock,
      pollMs: 100,
      onFault: (_error, retryInMs) => log.push(`again in ${retryInMs}`),
    },
    stop.signal,
  );
  return { clock, log, running, stop };
}

/** Lets time pass until the supervisor is done. */
async function ended({ clock, running }: ReturnType<typeof scripted>): Promise<void> {
  let done = false;
  const settle = (): void => {
    done = true;
  };
  running.then(settle, settle);
  for (let i = 0; i < 100 && !done; i++) await clock.advance(30_000).then(() => new Promise(setImmediate));
  await running;
}

const retryable = (): Error => new RetryableError('TRG_LOG_FULL', 'no space');

test('a fault that time may mend closes the engine, waits and opens another; at the end it drains', async () => {
  const run = scripted(['ok', retryable(), 'ok', new FencedError('TRG_LOG_FENCED', 'fenced'), 'ok']);
  await ended(run);
  assert.deepEqual(run.log, [
    'open',
    'again in 100',
    'close',
    'open',
    'again in 100',
    'close',
    'open',
    'drain',
    'close',
  ]);
});

test('the wait doubles while it fails again at once, up to half a minute', async () => {
  const run = scripted(Array.from({ length: 11 }, retryable));
  await ended(run);
  const waits = run.log
    .filter((line) => line.startsWith('again'))
    .map((line) => Number(line.slice('again in '.length)));
  assert.deepEqual(waits, [100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000]);
});

const fenced = (): Error => new FatalError('TRG_INSTANCE_FENCED', 'another worker runs under the instance id a');

test('a member that lost its place to one of its name joins again: it may have been itself', async () => {
  const run = scripted(['ok', fenced(), 'ok', fenced(), 'ok']);
  await ended(run);
  assert.equal(run.log.filter((line) => line === 'open').length, 3);
});

test('one that loses its place again and again has a rival, and gives way', async () => {
  const error = fenced();
  const run = scripted([fenced(), fenced(), fenced(), fenced(), error]);
  await assert.rejects(ended(run), error);
});

test('a fatal error and a bug end it, with the engine closed', async () => {
  for (const error of [new FatalError('TRG_TOPIC_MISSING', 'gone'), new TypeError('a bug')]) {
    const run = scripted(['ok', error]);
    await assert.rejects(ended(run), error);
    assert.deepEqual(run.log, ['open', 'close']);
  }
});

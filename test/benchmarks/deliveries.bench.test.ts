import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run } from '../../benchmarks/deliveries.bench.ts';
import { run as runOutage } from '../../benchmarks/deliveries-outage.bench.ts';

test('the benchmark of deliveries runs', async () => {
  const figures = await run({ scale: 0.01 });
  assert.deepEqual(
    figures.map(({ unit }) => unit),
    [0, 1].flatMap(() => ['deliveries/s', 'messages/s', '%', 'us/delivery', 'us/message', 'ms', 'ms']),
  );
  assert.ok(figures.every(({ value }) => value > 0));
});

test('after an outage everything is delivered within the rate, and the other channel did not wait', async () => {
  const figures = new Map((await runOutage({ scale: 0.01 })).map(({ name, value }) => [name, value]));
  const of = (what: string): number => figures.get(`outage of an hour: ${what}`)!;
  assert.equal(of('actions queued'), 10_000);
  assert.ok(of('attempts made meanwhile') < 1_000);
  assert.ok(of('the other channel was done after') < 60);
  // The first step of the recovery may use what a second gives.
  assert.ok(of('of a rate of 2,000/s') <= 130, `${of('of a rate of 2,000/s')} %`);
});

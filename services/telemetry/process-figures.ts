// Figures of the thread that this is called in: its heap, its event loop, spans that it lost; of the first, the memory of the
// process too.

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import type { Clock } from '../../lib/clock.ts';
import type { Metrics } from '../../lib/metrics.ts';
import type { Spans } from '../../lib/spans.ts';

/** A pause shorter than this is not seen; a finer look costs more wake-ups. */
const RESOLUTION_MS = 10;
/** The figures are of one to two of these. */
const WINDOW_MS = 10_000;
const NS_PER_MS = 1e6;
const QUANTILES = [0.5, 0.99, 1];

/** Shows them at every snapshot, until what this returns is called. */
export function showProcess(
  metrics: Metrics,
  clock: Clock,
  options: { readonly isMain: boolean; readonly spans: Spans | null },
): () => void {
  const current = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  current.enable();
  let since = clock.now();
  let last = QUANTILES.map(() => 0);
  const hide = metrics.collect((report) => {
    const delays = QUANTILES.map((quantile) =>
      Math.max(0, current.percentile(100 * quantile) / NS_PER_MS - RESOLUTION_MS),
    );
    QUANTILES.forEach((quantile, i) => {
      report.gauge('event-loop-delay', Math.max(delays[i]!, last[i]!), { quantile: String(quantile) });
    });
    if (clock.now() - since >= WINDOW_MS) {
      last = delays;
      since = clock.now();
      current.reset();
    }
    const heap = getHeapStatistics();
    report.gauge('heap-used', heap.used_heap_size);
    report.gauge('heap-limit', heap.heap_size_limit);
    if (options.spans !== null) report.count('span-dropped', options.spans.dropped);
    if (options.isMain) report.gauge('resident-memory', process.memoryUsage.rss());
  });
  return () => {
    hide();
    current.disable();
  };
}

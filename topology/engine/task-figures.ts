// The figures of an engine's tasks, read when somebody asks for them.

import type { Clock } from '../../lib/clock.ts';
import type { Metrics } from '../../lib/metrics.ts';
import type { EngineTask } from './engine-task.ts';

/** Shows the figures of what `tasks` returns at every snapshot, until what this returns is called. */
export function showTasks(metrics: Metrics, clock: Clock, tasks: () => Iterable<EngineTask>): () => void {
  return metrics.collect((report) => {
    const wall = clock.now();
    for (const { queue } of tasks()) {
      const { task } = queue;
      const labels = { task: task.id };
      for (const { topic, partition, processed, lag } of queue.figures()) {
        const input = { topic, partition: String(partition) };
        report.count('records-processed', processed, input);
        if (lag !== null) report.gauge('lag', lag, input);
      }
      if (task.part.store === null) continue;
      if (task.streamTime >= 0) report.gauge('stream-time-lag', Math.max(0, wall - task.streamTime), labels);
      const { hits, misses, absent, dirtyBytes } = task.documentFigures!;
      report.count('document-read', hits, { ...labels, from: 'cache' });
      report.count('document-read', misses, { ...labels, from: 'store' });
      report.count('document-read', absent, { ...labels, from: 'nowhere' });
      report.gauge('dirty-bytes', dirtyBytes, labels);
    }
  });
}

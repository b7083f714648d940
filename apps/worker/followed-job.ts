// The job of an engine thread, with rules that follow what is published.

import { openDelivery } from '../../services/job/delivery.ts';
import { type Job, type JobParts, jobOf } from '../../services/job/job.ts';
import type { FollowOptions } from '../../services/rules/followed-rules.ts';
import { FollowedRules } from '../../services/rules/followed-rules.ts';
import type { EngineMonitor } from '../../topology/engine/monitor.ts';

export interface FollowedJobOptions extends FollowOptions, Omit<JobParts, 'logger' | 'delivery'> {
  readonly monitor: EngineMonitor;
  /** Of the engine thread. */
  readonly index: number;
}

/** To be closed when the thread ends. Throws what reading the rules topic throws, and what jobOf does. */
export async function openFollowedJob(options: FollowedJobOptions): Promise<Job> {
  const rules = await FollowedRules.open(options);
  const delivery = await openDelivery({ ...options, counters: options.monitor.metrics.counters });
  const job = jobOf(options.config, rules.project, options.clock, { ...options, versions: rules.versions, delivery });
  const stop = new AbortController();
  const following = rules.follow(stop.signal);
  return {
    topology: job.topology,
    close: async () => {
      stop.abort();
      await following;
      await job.close();
      await delivery?.close();
    },
  };
}

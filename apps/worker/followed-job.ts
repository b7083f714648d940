// The job of an engine thread, with rules that follow what is published.

import { type Job, type JobParts, jobOf } from '../../services/job/job.ts';
import type { FollowOptions } from '../../services/rules/followed-rules.ts';
import { FollowedRules } from '../../services/rules/followed-rules.ts';

/** To be closed when the thread ends. Throws what reading the rules topic throws, and what jobOf does. */
export async function openFollowedJob(options: FollowOptions & JobParts): Promise<Job> {
  const rules = await FollowedRules.open(options);
  const job = jobOf(options.config, rules.project, options.clock, { ...options, versions: rules.versions });
  const stop = new AbortController();
  const following = rules.follow(stop.signal);
  return {
    topology: job.topology,
    close: async () => {
      stop.abort();
      await following;
      await job.close();
    },
  };
}

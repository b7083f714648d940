// `tripline topology`: what runs, in words or as a picture.

import { systemClock } from '../../../lib/clock.ts';
import { describe, mermaid } from '../../../topology/describe.ts';
import { loadFlawlessProject } from '../../project/load-project.ts';
import { jobOf } from '../../worker/job.ts';
import { defineCommand } from '../command.ts';
import { CONFIG_OPTION } from '../options.ts';
import { projectSettings } from '../settings.ts';

export const topology = defineCommand({
  name: 'topology',
  summary: 'Shows the topology: sources, processors, stores, sinks',
  usage: '[-c tripline.yaml] [--mermaid]',
  options: {
    config: CONFIG_OPTION,
    mermaid: { type: 'boolean', description: 'A Mermaid flowchart' },
  },
  run: async ({ values }, io) => {
    const { config } = projectSettings({ file: values.config, paths: [] }, io);
    const project = loadFlawlessProject({ paths: [config.rules], folder: io.folder, config, needsTemplates: false });
    const job = jobOf(config, project, systemClock);
    try {
      io.stdout.write(values.mermaid === true ? mermaid(job.topology) : describe(job.topology));
    } finally {
      await job.close();
    }
    return 0;
  },
});

// `tripline topology`: what runs, in words or as a picture.

import { systemClock } from '../../../lib/clock.ts';
import { jobOf } from '../../../services/job/job.ts';
import { loadFlawlessProject } from '../../../services/project/load-project.ts';
import { describe, mermaid } from '../../../topology/engine/describe.ts';
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

// `tripline topology`: what runs, in words or as a picture.

import { plannedTopology } from '../../../services/job/job.ts';
import { loadFlawlessProject } from '../../../services/project/load-project.ts';
import { describe, mermaid } from '../../../topology/engine/describe.ts';
import { withContext } from '../asking.ts';
import { defineCommand } from '../command.ts';
import { CONFIG_OPTION } from '../options.ts';

export const topology = defineCommand({
  name: 'topology',
  summary: 'Shows the topology: sources, processors, stores, sinks',
  usage: '[-c tripline.yaml] [--mermaid]',
  options: {
    config: CONFIG_OPTION,
    mermaid: { type: 'boolean', description: 'A Mermaid flowchart' },
  },
  run: async ({ values }, io) =>
    withContext(values.config, io, async ({ config }) => {
      const project = loadFlawlessProject({ paths: [config.rules], folder: io.folder, config, needsTemplates: false });
      const planned = plannedTopology(config, project.rules.ruleSet);
      io.stdout.write(values.mermaid === true ? mermaid(planned) : describe(planned));
      return 0;
    }),
});

// `tripline flow`: draws the steps of a rule.

import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describeError, FatalError } from '../../../lib/errors.ts';
import { flowGraphOf } from '../../../services/flow-drawing/flow-graph.ts';
import { mermaidOf } from '../../../services/flow-drawing/mermaid.ts';
import { svgOf } from '../../../services/flow-drawing/svg.ts';
import { requireName } from '../../../services/names.ts';
import { loadFlawlessProject } from '../../../services/project/load-project.ts';
import { defineCommand, usageError } from '../command.ts';
import { CONFIG_OPTION } from '../options.ts';
import { projectSettings } from '../settings.ts';

export const flow = defineCommand({
  name: 'flow',
  summary: 'Draws the steps of a rule',
  usage: 'RULE [--mermaid | --svg] [--out FILE] [-c FILE]',
  options: {
    mermaid: { type: 'boolean', description: 'As text for Mermaid, which GitHub and many wikis show (default)' },
    svg: { type: 'boolean', description: 'As a picture' },
    out: { type: 'string', value: 'FILE', description: 'Where to; what is there is replaced. Default: the output' },
    config: CONFIG_OPTION,
  },
  run: async ({ values, positionals: [rule, ...rest] }, io) => {
    if (rule === undefined) throw usageError('flow: say which rule', 'tripline flow RULE');
    if (rest.length > 0) throw usageError(`flow: one rule at a time, so not "${rest[0]}" too`);
    if (values.mermaid === true && values.svg === true) throw usageError('flow: give --mermaid or --svg, not both');
    const { config } = projectSettings({ file: values.config, paths: [] }, io);
    const options = { paths: [config.rules], folder: io.folder, config, needsTemplates: false };
    const { ruleSet, rules } = loadFlawlessProject(options).rules;
    requireName(
      'rule',
      rule,
      rules.map(({ id }) => id),
    );
    const graph = flowGraphOf(ruleSet.rule(rule)!);
    const drawn = values.svg === true ? svgOf(graph) : mermaidOf(graph);
    if (values.out === undefined) io.stdout.write(drawn);
    else write(resolve(io.folder, values.out), drawn);
    return 0;
  },
});

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new FatalError('TRG_LOG_FULL', `${file} cannot be written: ${describeError(error)}`, { file }, error);
  }
}

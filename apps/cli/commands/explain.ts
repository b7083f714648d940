// `tripline explain`: why a rule fired for someone, or did not, from the log or from a file of events.

import { resolve } from 'node:path';
import { systemClock } from '../../../lib/clock.ts';
import { didYouMean } from '../../../lib/suggest.ts';
import type { Config } from '../../../services/config/index.ts';
import { explainFromFile, explainFromLog, type FileSource } from '../../../services/explain/explain.ts';
import { textOf } from '../../../services/explain/text.ts';
import { evaluationTopology } from '../../../services/job/job.ts';
import { openLogReadOnly } from '../../../services/job/open-log.ts';
import { otherEntities } from '../../../services/job/source-format.ts';
import { loadFlawlessProject } from '../../../services/project/load-project.ts';
import { CheckedVersions } from '../../../services/rules/checked-versions.ts';
import { readPublished, rulesTopicOf } from '../../../services/rules/published.ts';
import type { Log } from '../../../topology/engine/ports.ts';
import { defineCommand, type Io, usageError } from '../command.ts';
import { CONFIG_OPTION, timeOption } from '../options.ts';
import { projectSettings } from '../settings.ts';

export const explain = defineCommand({
  name: 'explain',
  summary: 'Tells why a rule fired for someone, or why not',
  usage: '--rule ID --user ID [--entity TYPE] [--at TIME] [-c FILE] [--events FILE [--mapping FILE]] [--json]',
  options: {
    rule: { type: 'string', value: 'ID', description: 'The rule' },
    user: { type: 'string', value: 'ID', description: 'The user, or with --entity the id of that' },
    entity: { type: 'string', value: 'TYPE', description: "Of what the id is; default: the rule's entity" },
    at: { type: 'string', value: 'TIME', description: 'As of this event time; default: all that was read' },
    events: { type: 'string', value: 'FILE', description: 'From this file, replayed, instead of the log' },
    mapping: { type: 'string', value: 'FILE', description: 'How the columns of a CSV file are to be read' },
    config: CONFIG_OPTION,
    json: { type: 'boolean', description: 'One JSON object' },
  },
  run: async ({ values }, io) => {
    const { rule: id, user } = values;
    if (id === undefined || user === undefined) throw usageError('explain: --rule and --user are needed');
    const at = timeOption('explain', 'at', values.at) ?? Infinity;
    const { config } = projectSettings({ file: values.config, paths: [] }, io);
    const isFromFile = values.events !== undefined;
    const options = { paths: [config.rules], folder: io.folder, config, needsTemplates: false, isLive: !isFromFile };
    const project = loadFlawlessProject(options);
    const log = isFromFile ? null : await openLogReadOnly(config, systemClock);
    try {
      const versions = await versionsOf(log, config);
      const newest = versions.versions.at(-1);
      const rules = (newest === undefined ? undefined : versions.check(newest)) ?? project.rules;
      const rule = rules.ruleSet.rule(id);
      if (rule === undefined) {
        const known = rules.rules.map((each) => each.id);
        io.stderr.write(`there is no rule "${id}"\n  ${didYouMean(id, known, `known: ${known.join(', ')}`)}\n`);
        return 1;
      }
      const question = { rule: id, entity: { type: values.entity ?? rule.entity, id: user }, at };
      const explanation =
        log === null
          ? await explainFromFile(question, rules, fileSource(values, config, io))
          : await explainFromLog(question, rules, {
              log,
              application: config.application,
              prefix: config.topics.prefix,
              outOfOrdernessMs: config.outOfOrdernessMs,
              version: (version) => versions.check(version),
              topology: (ruleSets, trace) => evaluationTopology(config, ruleSets, { trace }),
            });
      if (explanation === null) {
        const from = isFromFile ? values.events : 'the log';
        io.stderr.write(`nothing is known of ${question.entity.type} ${user}: ${from} has no event of it\n`);
        io.stderr.write('  ids are compared letter by letter; --entity says of what the id is\n');
        return 1;
      }
      io.stdout.write(values.json === true ? `${JSON.stringify(explanation)}\n` : textOf(explanation));
      return 0;
    } finally {
      await log?.close();
    }
  },
});

/** What was published; nothing without a log. */
async function versionsOf(log: Log | null, config: Config): Promise<CheckedVersions> {
  const published = log === null ? [] : await readPublished(log, rulesTopicOf(config));
  return new CheckedVersions(published, { config, templates: [] });
}

function fileSource({ events, mapping }: { events?: string; mapping?: string }, config: Config, io: Io): FileSource {
  return {
    events: resolve(io.folder, events!),
    mapping: mapping === undefined ? undefined : resolve(io.folder, mapping),
    others: otherEntities(config, 'segment', 'user'),
    outOfOrdernessMs: config.outOfOrdernessMs,
    dedupeWindowMs: config.dedupeWindowMs,
    dedupeMax: config.dedupeMax,
    recordBytesMax: config.limits.recordBytes,
    maxClockSkewMs: config.maxClockSkewMs,
  };
}

// `tripline decisions`: the decision records, from the log, whether or not a worker has it open.

import { systemClock } from '../../../lib/clock.ts';
import { ExternalSort } from '../../../lib/external-sort.ts';
import { type Decision, decisionJson } from '../../../schemas/decision.ts';
import { decisionCodec } from '../../../schemas/framed.ts';
import { sortKey } from '../../../services/backtest/sort-key.ts';
import { openLogReadOnly } from '../../../services/job/open-log.ts';
import { readTopic } from '../../../services/topics/read-topic.ts';
import { publicTopics } from '../../../topology/topics.ts';
import { defineCommand } from '../command.ts';
import { CONFIG_OPTION, timeOption } from '../options.ts';
import { projectSettings } from '../settings.ts';

export const decisions = defineCommand({
  name: 'decisions',
  summary: 'Shows decision records, fired and suppressed, with their reasons',
  usage: '[-c tripline.yaml] [--rule ID] [--user ID] [--from TIME] [--to TIME] [--json]',
  options: {
    config: CONFIG_OPTION,
    rule: { type: 'string', value: 'ID', description: 'Of this rule only' },
    user: { type: 'string', value: 'ID', description: 'About this user only' },
    from: { type: 'string', value: 'TIME', description: 'First event time (ISO-8601)' },
    to: { type: 'string', value: 'TIME', description: 'Event time to stop before' },
    json: { type: 'boolean', description: 'One JSON object a line, as in decisions.jsonl' },
  },
  run: async ({ values }, io) => {
    const wanted = filterOf(values);
    const { config } = projectSettings({ file: values.config, paths: [] }, io);
    const log = await openLogReadOnly(config, systemClock);
    const sorted = new ExternalSort();
    try {
      for await (const { value } of readTopic(log, publicTopics(config.topics.prefix).decisions)) {
        if (value === null) continue;
        const decision = decisionCodec.decode(value);
        if (wanted(decision)) sorted.add(sortKey(decision), values.json === true ? lineOf(decision) : rowOf(decision));
      }
      for (const line of sorted.sorted()) io.stdout.write(`${line}\n`);
    } finally {
      sorted.close();
      await log.close();
    }
    return 0;
  },
});

function filterOf(values: { rule?: string; user?: string; from?: string; to?: string }) {
  const from = timeOption('decisions', 'from', values.from) ?? -Infinity;
  const to = timeOption('decisions', 'to', values.to) ?? Infinity;
  return ({ rule, entity, at }: Decision): boolean => {
    if (values.rule !== undefined && rule !== values.rule) return false;
    if (values.user !== undefined && (entity.type !== 'user' || entity.id !== values.user)) return false;
    return at >= from && at < to;
  };
}

function lineOf(decision: Decision): string {
  return JSON.stringify(decisionJson(decision));
}

function rowOf({ at, rule, entity, outcome, reason }: Decision): string {
  const why = reason === null ? '' : ` (${reason})`;
  return `${new Date(at).toISOString()}  ${rule}  ${entity.type}/${entity.id}  ${outcome}${why}`;
}

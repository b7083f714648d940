// `tripline topics`: the topics that a configuration needs, and making those that are missing.

import { plannedTopology } from '../../../services/job/job.ts';
import { resultOf } from '../../../services/operation.ts';
import { loadFlawlessProject } from '../../../services/project/load-project.ts';
import { ACL_ROLES, type AclEntry, aclCommand, aclsOf } from '../../../services/topics/acls.ts';
import { topicNeeds } from '../../../services/topics/plan.ts';
import type { AppliedTopic, TopicNeedsQuestion } from '../../../services/topics/topics.ts';
import { asking } from '../asking.ts';
import { defineCommand, type ExitCode, type Io, usageError } from '../command.ts';
import { CONFIG_OPTION } from '../options.ts';
import { subcommand } from '../subcommand.ts';

export const topics = defineCommand({
  name: 'topics',
  summary: 'Shows which topics are needed, missing or set otherwise; makes and mends them',
  usage: 'plan|apply|acls [-c tripline.yaml] [--principal User:NAME] [--backtest] [--json]',
  options: {
    config: CONFIG_OPTION,
    principal: { type: 'string', value: 'USER', description: 'Of acls: who gets the rights; default: User:tripline' },
    backtest: { type: 'boolean', description: 'Of acls: the rights of `tripline backtest` alone, the least there are' },
    json: { type: 'boolean', description: 'One JSON object a line' },
  },
  run: async ({ values, positionals }, io) => {
    const word = subcommand('topics', positionals, ['plan', 'apply', 'acls']);
    const isJson = values.json === true;
    if (values.backtest === true && word !== 'acls') throw usageError('topics: --backtest is of `topics acls` alone');
    const roles = values.backtest === true ? (['backtest'] as const) : ACL_ROLES;
    return asking(values.config, io, async ({ config, services }) => {
      const project = loadFlawlessProject({ paths: [config.rules], folder: io.folder, config, needsTemplates: false });
      const topology = plannedTopology(config, project.rules.ruleSet);
      if (word === 'acls') {
        const entries = aclsOf(topology, config).filter(({ role }) => roles.some((each) => each === role));
        return showAcls(entries, values.principal ?? 'User:tripline', isJson, io);
      }
      const needs = topicNeeds(topology, config) as TopicNeedsQuestion;
      const name = word === 'plan' ? 'topics.plan' : 'topics.apply';
      return show(await resultOf(services.ask(name, needs, io.signal)), isJson, io);
    });
  },
});

/** Lines for a shell, under a heading for each of what they are for. */
function showAcls(entries: readonly AclEntry[], principal: string, isJson: boolean, io: Io): ExitCode {
  for (const role of ACL_ROLES) {
    if (entries.every((entry) => entry.role !== role)) continue;
    if (!isJson) io.stdout.write(`# ${role}\n`);
    for (const entry of entries.filter((each) => each.role === role)) {
      io.stdout.write(`${isJson ? JSON.stringify(entry) : aclCommand(entry, principal)}\n`);
    }
  }
  return 0;
}

/** 1 when a topic cannot be used as it is: `apply` cannot mend that. */
function show(plan: readonly AppliedTopic[], isJson: boolean, io: Io): ExitCode {
  for (const topic of plan) io.stdout.write(`${isJson ? JSON.stringify(topic) : row(topic)}\n`);
  const wrong = plan.filter(({ state }) => state === 'mismatch');
  if (!isJson) {
    const count = (state: AppliedTopic['state']) => plan.filter((topic) => topic.state === state).length;
    const done = count('created') > 0 ? `${count('created')} created` : `${count('missing')} missing`;
    const changed = count('changed');
    const differing = plan.filter(({ drift }) => drift !== undefined).length - changed;
    const settings = changed > 0 ? `, ${changed} changed` : differing > 0 ? `, ${differing} with other settings` : '';
    io.stdout.write(`${plan.length} topics: ${done}${settings}, ${wrong.length} with a wrong number of partitions\n`);
  }
  for (const { topic, problem } of wrong) io.stderr.write(`${topic} ${problem}\n`);
  return wrong.length === 0 ? 0 : 1;
}

function row({ topic, partitions, kind, state, compacted, drift = [] }: AppliedTopic): string {
  const notes = compacted === true ? `${kind}, compacted` : kind;
  const verb = state === 'changed' ? 'was' : 'is';
  const settings = drift.map(({ setting, has, wants }) => `\n          ${setting} ${verb} ${has}, wanted: ${wants}`);
  return `${state.padEnd(8)}  ${topic}  ${partitions} ${partitions === 1 ? 'partition' : 'partitions'}  ${notes}${settings.join('')}`;
}

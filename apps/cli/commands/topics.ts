// `tripline topics`: the topics that a configuration needs, and making those that are missing.

import { systemClock } from '../../../lib/clock.ts';
import { jobOf } from '../../../services/job/job.ts';
import { hasLog, openLog, openLogReadOnly } from '../../../services/job/open-log.ts';
import { loadFlawlessProject } from '../../../services/project/load-project.ts';
import { ACL_ROLES, type AclEntry, aclCommand, aclsOf } from '../../../services/topics/acls.ts';
import { createMissing, type PlannedTopic, planTopics, withDrift } from '../../../services/topics/plan.ts';
import { defineCommand, type ExitCode, type Io } from '../command.ts';
import { CONFIG_OPTION } from '../options.ts';
import { projectSettings } from '../settings.ts';
import { subcommand } from '../subcommand.ts';

export const topics = defineCommand({
  name: 'topics',
  summary: 'Shows which topics are needed, missing or set otherwise; makes and mends them',
  usage: 'plan|apply|acls [-c tripline.yaml] [--principal User:NAME] [--json]',
  options: {
    config: CONFIG_OPTION,
    principal: { type: 'string', value: 'USER', description: 'Of acls: who gets the rights; default: User:tripline' },
    json: { type: 'boolean', description: 'One JSON object a line' },
  },
  run: async ({ values, positionals }, io) => {
    const word = subcommand('topics', positionals, ['plan', 'apply', 'acls']);
    const { config } = projectSettings({ file: values.config, paths: [] }, io);
    const project = loadFlawlessProject({ paths: [config.rules], folder: io.folder, config, needsTemplates: false });
    const job = jobOf(config, project, systemClock);
    try {
      const isJson = values.json === true;
      if (word === 'acls')
        return showAcls(aclsOf(job.topology, config), values.principal ?? 'User:tripline', isJson, io);
      if (word === 'plan' && !hasLog(config)) return show(planTopics(new Map(), job.topology, config), isJson, io);
      const log =
        word === 'plan' ? await openLogReadOnly(config, systemClock) : (await openLog(config, systemClock)).log;
      try {
        const { admin } = log;
        const plan = await withDrift(admin, planTopics(await admin.topics(), job.topology, config));
        if (word === 'plan' || plan.some(({ state }) => state === 'mismatch')) return show(plan, isJson, io);
        await createMissing(admin, plan);
        await admin.mend?.(plan.flatMap(({ drift }) => drift ?? []));
        return show(plan.map(applied), isJson, io);
      } finally {
        await log.close();
      }
    } finally {
      await job.close();
    }
  },
});

type Shown = Omit<PlannedTopic, 'state'> & { readonly state: PlannedTopic['state'] | 'created' | 'changed' };

function applied(topic: PlannedTopic): Shown {
  if (topic.state === 'missing') return { ...topic, state: 'created', existing: topic.partitions };
  return topic.drift === undefined ? topic : { ...topic, state: 'changed' };
}

/** Lines for a shell, under a heading for each of what they are for. */
function showAcls(entries: readonly AclEntry[], principal: string, isJson: boolean, io: Io): ExitCode {
  for (const role of ACL_ROLES) {
    if (!isJson) io.stdout.write(`# ${role}\n`);
    for (const entry of entries.filter((each) => each.role === role)) {
      io.stdout.write(`${isJson ? JSON.stringify(entry) : aclCommand(entry, principal)}\n`);
    }
  }
  return 0;
}

/** 1 when a topic cannot be used as it is: `apply` cannot mend that. */
function show(plan: readonly Shown[], isJson: boolean, io: Io): ExitCode {
  for (const topic of plan) io.stdout.write(`${isJson ? JSON.stringify(topic) : row(topic)}\n`);
  const wrong = plan.filter(({ state }) => state === 'mismatch');
  if (!isJson) {
    const count = (state: Shown['state']) => plan.filter((topic) => topic.state === state).length;
    const done = count('created') > 0 ? `${count('created')} created` : `${count('missing')} missing`;
    const changed = count('changed');
    const differing = plan.filter(({ drift }) => drift !== undefined).length - changed;
    const settings = changed > 0 ? `, ${changed} changed` : differing > 0 ? `, ${differing} with other settings` : '';
    io.stdout.write(`${plan.length} topics: ${done}${settings}, ${wrong.length} with a wrong number of partitions\n`);
  }
  for (const { topic, problem } of wrong) io.stderr.write(`${topic} ${problem}\n`);
  return wrong.length === 0 ? 0 : 1;
}

function row({ topic, partitions, kind, state, compacted, drift = [] }: Shown): string {
  const notes = compacted === true ? `${kind}, compacted` : kind;
  const verb = state === 'changed' ? 'was' : 'is';
  const settings = drift.map(({ setting, has, wants }) => `\n          ${setting} ${verb} ${has}, wanted: ${wants}`);
  return `${state.padEnd(8)}  ${topic}  ${partitions} partitions  ${notes}${settings.join('')}`;
}

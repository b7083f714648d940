// `tripline decisions`: the decision records, from the log, whether or not a worker has it open.

import { didYouMean } from '../../../lib/suggest.ts';
import { type DecisionJson, OUTCOMES, type Outcome } from '../../../schemas/decision.ts';
import { resultOf } from '../../../services/operation.ts';
import { asking } from '../asking.ts';
import { defineCommand, usageError } from '../command.ts';
import { CONFIG_OPTION, countOption, timeOption } from '../options.ts';

export const decisions = defineCommand({
  name: 'decisions',
  summary: 'Shows decision records, fired and suppressed, with their reasons',
  usage:
    '[-c tripline.yaml] [--rule ID] [--user ID] [--outcome OUTCOME] [--from TIME] [--to TIME] [--limit N] [--follow] [--json]',
  options: {
    config: CONFIG_OPTION,
    rule: { type: 'string', value: 'ID', description: 'Of this rule only' },
    user: { type: 'string', value: 'ID', description: 'About this user only' },
    outcome: { type: 'string', value: 'OUTCOME', description: `Only those: ${OUTCOMES.join(', ')}` },
    from: { type: 'string', value: 'TIME', description: 'First event time (ISO-8601)' },
    to: { type: 'string', value: 'TIME', description: 'Event time to stop before' },
    limit: { type: 'string', value: 'N', description: 'The last N; with --follow these first' },
    follow: { type: 'boolean', short: 'f', description: 'New ones as they come, until Ctrl-C' },
    json: { type: 'boolean', description: 'One JSON object a line, as in decisions.jsonl' },
  },
  run: async ({ values }, io) => {
    const query = queryOf(values);
    const show = (decision: DecisionJson): void => {
      io.stdout.write(`${values.json === true ? JSON.stringify(decision) : rowOf(decision)}\n`);
    };
    return asking(values.config, io, async ({ services }) => {
      try {
        const name = values.follow === true ? 'decisions.follow' : 'decisions.query';
        await resultOf(services.ask(name, query, io.signal), show);
      } catch (error) {
        // Who follows says so when it is enough.
        if (values.follow !== true || !io.signal.aborted) throw error;
      }
      return 0;
    });
  },
});

interface Values {
  readonly rule?: string;
  readonly user?: string;
  readonly outcome?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit?: string;
}

function queryOf({ rule, user, outcome, ...values }: Values) {
  const from = timeOption('decisions', 'from', values.from);
  const to = timeOption('decisions', 'to', values.to);
  const limit = countOption('decisions', 'limit', values.limit);
  return {
    ...(rule !== undefined && { rule }),
    ...(user !== undefined && { user }),
    ...(outcome !== undefined && { outcome: outcomeOf(outcome) }),
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(limit !== undefined && { limit }),
  };
}

function outcomeOf(text: string): Outcome {
  const outcome = OUTCOMES.find((each) => each === text);
  if (outcome !== undefined) return outcome;
  throw usageError(
    `decisions: --outcome ${text} is none of ${OUTCOMES.join(', ')}`,
    didYouMean(text, OUTCOMES) ?? undefined,
  );
}

function rowOf({ at, rule, entity, outcome, reason }: DecisionJson): string {
  const why = reason === null ? '' : ` (${reason})`;
  return `${at}  ${rule}  ${entity.type}/${entity.id}  ${outcome}${why}`;
}

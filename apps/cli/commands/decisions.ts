// `tripline decisions`: the decision records, from the log, whether or not a worker has it open.

import { type DecisionJson, OUTCOMES } from '../../../schemas/decision.ts';
import type { DecisionFollow } from '../../../services/decisions/follow.ts';
import { resultOf } from '../../../services/operation.ts';
import type { Services } from '../../../services/operations.ts';
import { asking } from '../asking.ts';
import { defineCommand, type Io, usageError } from '../command.ts';
import { CONFIG_OPTION, choiceOption, countOption, timeOption } from '../options.ts';
import { troublesOf } from '../troubles.ts';

const WAIT_MS = 60_000;

export const decisions = defineCommand({
  name: 'decisions',
  summary: 'Shows decision records, fired and suppressed, with their reasons',
  usage:
    '[-c tripline.yaml] [--rule ID] [--user ID] [--outcome OUTCOME] [--from TIME] [--to TIME] [--limit N] [--follow|--wait] [--json]',
  options: {
    config: CONFIG_OPTION,
    rule: { type: 'string', value: 'ID', description: 'Of this rule only' },
    user: { type: 'string', value: 'ID', description: 'About this user only' },
    outcome: { type: 'string', value: 'OUTCOME', description: `Only those: ${OUTCOMES.join(', ')}` },
    from: { type: 'string', value: 'TIME', description: 'First event time (ISO-8601)' },
    to: { type: 'string', value: 'TIME', description: 'Event time to stop before' },
    limit: { type: 'string', value: 'N', description: 'The last N; with --follow these first' },
    follow: { type: 'boolean', short: 'f', description: 'New ones as they come, until Ctrl-C' },
    wait: { type: 'boolean', description: 'Until there is one, at most a minute' },
    json: { type: 'boolean', description: 'One JSON object a line, as in decisions.jsonl' },
  },
  run: async ({ values }, io) => {
    if (values.wait === true && values.follow === true)
      throw usageError('decisions: give --wait or --follow, not both');
    const query = queryOf(values);
    return asking(values.config, io, async ({ services }) => {
      const { rule, user } = values;
      const troubles =
        values.json === true || values.follow === true
          ? new Map()
          : await troublesOf(
              services,
              { ...(rule !== undefined && { rule }), ...(user !== undefined && { user }) },
              io,
            );
      let shown = 0;
      const show = (decision: DecisionJson): void => {
        shown++;
        if (values.json === true) io.stdout.write(`${JSON.stringify(decision)}\n`);
        else io.stdout.write(`${[rowOf(decision), ...(troubles.get(decision.id) ?? [])].join('; ')}\n`);
      };
      if (values.wait === true) await untilThereIsOne(services, query, io);
      try {
        const name = values.follow === true ? 'decisions.follow' : 'decisions.query';
        await resultOf(services.ask(name, query, io.signal), show);
      } catch (error) {
        // Who follows says so when it is enough.
        if (values.follow !== true || !io.signal.aborted) throw error;
      }
      if (shown > 0 || values.follow === true) return 0;
      if (values.wait === true) io.stderr.write(`decisions: none within ${WAIT_MS / 1_000} s\n`);
      else if (values.json !== true) io.stderr.write('decisions: none\n');
      return values.wait === true ? 1 : 0;
    });
  },
});

/** Then it is shown as always; without any within the time there is nothing to show. */
async function untilThereIsOne(services: Services, query: DecisionFollow, io: Io): Promise<void> {
  const enough = AbortSignal.any([io.signal, AbortSignal.timeout(WAIT_MS)]);
  const answer = services.ask('decisions.follow', { ...query, limit: 1 }, enough);
  try {
    await answer.next();
    await answer.return(null);
  } catch (error) {
    if (!enough.aborted) throw error;
  }
}

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
    ...(outcome !== undefined && { outcome: choiceOption('decisions', 'outcome', outcome, OUTCOMES)! }),
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(limit !== undefined && { limit }),
  };
}

function rowOf({ at, rule, entity, outcome, reason, gathered = [], digest }: DecisionJson): string {
  const why = reason === null ? '' : ` (${reason})`;
  const of = digest === undefined ? '' : `, a digest of ${digest.items}`;
  const waits = gathered.map(({ until }) => `, in a digest until ${until}`).join('');
  return `${at}  ${rule}  ${entity.type}/${entity.id}  ${outcome}${why}${of}${waits}`;
}

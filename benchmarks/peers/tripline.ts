// Tripline as a peer: `bin/tripline run` with one rule, a process of its own as in production.

import { actionCodec } from '../../schemas/framed.ts';
import type { LogRecord } from '../../schemas/record.ts';
import { actionsTopic } from '../../topology/topics.ts';
import { LIVE_RULE } from '../live-load.ts';
import { committedRecords, workerIn } from '../worker-load.ts';
import type { Guarantee, Job, Peer, PeerAction, PeerRun, RunningPeer } from './peer.ts';

const READY_MS = 180_000;

const RULES: Readonly<Record<Job, string>> = {
  absence: `id: cart-abandonment
when:
  absence: { after: { event: add_to_cart }, of: { event: purchase }, within: 24h }
then: [{ send: { channel: webhook } }]
`,
  each: LIVE_RULE,
};

export const TRIPLINES: readonly Peer[] = [2, 1].flatMap((threads) =>
  (['at_least_once', 'exactly_once'] as const).map((guarantee) => tripline(guarantee, threads)),
);

function tripline(guarantee: Guarantee, threads: number): Peer {
  return {
    name: `tripline-${guarantee.replaceAll('_', '-')}${threads === 1 ? '-1' : ''}`,
    label: 'Tripline',
    guarantee,
    threads,
    prepare: async () => 'Tripline of this commit',
    actionsOf: (application) => ({ topic: actionsTopic(application, 'webhook'), decode }),
    start: (run) => startTripline(guarantee, threads, run),
  };
}

async function startTripline(guarantee: Guarantee, threads: number, run: PeerRun): Promise<RunningPeer> {
  const { job, application, log, brokers, topic, partitions, folder } = run;
  const config = { threads, guarantee, commitInterval: { max: '100ms' }, topics: { prefix: application } };
  const worker = workerIn(folder, 0, { application, topic, brokers, rules: RULES[job], config });
  worker.start();
  try {
    await worker.untilRunning(READY_MS);
  } catch (error) {
    await worker.stop();
    throw error;
  }
  return {
    pid: worker.pid!,
    get isUp() {
      return worker.isUp;
    },
    done: () => committedRecords(log, application, topic, partitions),
    logTail: () => worker.logTail(),
    stop: () => worker.stop(),
  };
}

function decode({ value }: LogRecord): PeerAction {
  const { entity, at } = actionCodec.decode(value!);
  return { user: entity.id, at };
}

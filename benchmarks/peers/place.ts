// Starting a peer for one run, and removing what the run left behind.

import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Admin } from '@platformatic/kafka';
import type { KafkaPlace } from '../kafka-place.ts';
import type { Peer, PeerRun, RunningPeer } from './peer.ts';

export type Task = Pick<PeerRun, 'job' | 'application' | 'topic' | 'partitions'>;

/** Creates what it writes its actions to, and starts it in a folder of its own. */
export async function startPeer(peer: Peer, task: Task, { root, log, cluster }: KafkaPlace): Promise<RunningPeer> {
  const { job, application, topic, partitions } = task;
  const actions = peer.actionsOf(application);
  if (actions !== null) await log.admin.createTopics([{ topic: actions.topic, partitions }]);
  const folder = join(root, application);
  mkdirSync(folder);
  return peer.start({ job, application, log, brokers: cluster.bootstrap, topic, partitions, folder });
}

/** Of a run that is over: its folder, and the topics with its application's name in theirs. */
export async function removeTraces({ root, log, cluster }: KafkaPlace, application: string): Promise<void> {
  rmSync(join(root, application), { recursive: true, force: true });
  const topics = [...(await log.admin.topics()).keys()].filter((topic) => topic.includes(application));
  if (topics.length === 0) return;
  const admin = new Admin({ clientId: 'bench', bootstrapBrokers: [...cluster.bootstrap] });
  try {
    await admin.deleteTopics({ topics });
  } finally {
    await admin.close();
  }
}

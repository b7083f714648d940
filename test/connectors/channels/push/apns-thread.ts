// A thread that needs a provider token, and stays until it is ended.

import { createPrivateKey } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { ApnsToken } from '../../../../connectors/channels/push/apns-token.ts';
import { systemClock } from '../../../../lib/clock.ts';

const { key } = workerData as { readonly key: string };
const token = new ApnsToken({ key: createPrivateKey(key), keyId: 'K1', teamId: 'T1' }, systemClock);
// Whoever listens stays.
parentPort!.on('message', () => token.close());
parentPort!.postMessage(await token.get());

// A project on disk whose topology runs on a clock of the test's, on a real embedded log and real state folders.

import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { openEmbeddedLog } from '../../../connectors/logs/embedded/index.ts';
import { systemClock } from '../../../lib/clock.ts';
import { loadConfig } from '../../../services/config/index.ts';
import { jobOf } from '../../../services/job/job.ts';
import { stateFolder } from '../../../services/job/open-log.ts';
import { loadFlawlessProject } from '../../../services/project/load-project.ts';
import { LevelStore } from '../../../state/store/level-store.ts';
import { FAKE_START, FakeClock } from '../../../testing/fake-clock.ts';
import { TestDriver } from '../../../testing/test-driver.ts';
import { folderWith } from './kit.ts';

export const PARTITIONS = 2;
export const START = FAKE_START;

const FILES = {
  'tripline.yaml':
    'application: shop\ndataDir: ./data\nlog: { partitions: 2 }\nsources: [{ topic: events.shop, keyed: true }]\ndeliveredElsewhere: [email, webhook, slack]\nvalidFor: { operational: forever, marketing: forever }\n',
  'rules/cart.yaml':
    'id: cart\nwhen: { absence: { after: { event: add_to_cart }, of: purchase, within: 24h } }\n---\nid: viewed\nwhen: { event: view }\nif: profile.plan != "free"\n',
};

export function shopFolder(t: TestContext): string {
  return folderWith(t, FILES);
}

/** Runs the project's topology, with one life of it at a time; `close` leaves the log as a stopped worker does. */
export async function openShop(t: TestContext, folder: string): Promise<TestDriver> {
  const { config } = loadConfig({ file: 'tripline.yaml', env: {}, folder });
  const project = loadFlawlessProject({ paths: [config.rules], folder, config });
  const job = jobOf(config, project, systemClock);
  const driver = await TestDriver.open({
    topology: () => job.topology,
    application: config.application,
    partitions: PARTITIONS,
    clock: new FakeClock(),
    log: await openEmbeddedLog({ dir: join(config.dataDir, 'log'), clock: systemClock }),
    openStore: (task) => LevelStore.open(stateFolder(config, task)),
  });
  let open = true;
  const close = driver.close.bind(driver);
  driver.close = async () => {
    if (open) await close();
    open = false;
  };
  t.after(() => driver.close());
  return driver;
}

let made = 0;

/** A track message of a user, as a record for TestDriver.pipe. */
export function track(userId: string, event: string, time: number, properties: object = {}) {
  const message = { type: 'track', messageId: `m${made++}`, userId, event, properties };
  return { key: userId, value: JSON.stringify({ ...message, timestamp: new Date(time).toISOString() }) };
}

/** An identify message. */
export function identify(userId: string, time: number, traits: object) {
  const message = { type: 'identify', messageId: `m${made++}`, userId, traits };
  return { key: userId, value: JSON.stringify({ ...message, timestamp: new Date(time).toISOString() }) };
}

export function linesOf(out: string) {
  return out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

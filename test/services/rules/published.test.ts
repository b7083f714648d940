// Publishing versions of the rules, on a log in memory.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { channelTraits } from '../../../connectors/channels/index.ts';
import { checkRules } from '../../../rules/index.ts';
import type { PublishedFile } from '../../../schemas/published-rules.ts';
import { publish, publishFolder, readPublished } from '../../../services/rules/published.ts';
import { FakeClock } from '../../../testing/fake-clock.ts';
import { MemoryLog } from '../../../testing/memory-log.ts';

const file = (...ids: string[]): PublishedFile[] => [
  { kind: 'rules', file: 'rules.yaml', text: ids.map((id) => `id: ${id}\nwhen: { event: x }\n`).join('---\n') },
];

const topicOf = (application: string) => ({ topic: 'tripline.rules', application });

function publicationOf(files: readonly PublishedFile[], application = 'shop') {
  const { rules } = checkRules(
    files.map(({ file: name, text }) => ({ file: name, text })),
    { outOfOrdernessMs: 0, entities: [], channels: channelTraits({}) },
  );
  return { ...topicOf(application), files, rules, now: 1 };
}

const byCommand = (files: readonly PublishedFile[], application?: string) =>
  ({ ...publicationOf(files, application), origin: 'command', note: null }) as const;

test('versions are numbered from 1 for each application', async () => {
  const log = new MemoryLog(new FakeClock());
  await publish(log, byCommand(file('a')));
  await publish(log, byCommand(file('a', 'b')));
  await publish(log, byCommand(file('a'), 'other'));
  assert.deepEqual(
    (await readPublished(log, topicOf('shop'))).map(({ version }) => version),
    [1, 2],
  );
  assert.deepEqual(
    (await readPublished(log, topicOf('other'))).map(({ version }) => version),
    [1],
  );
});

test('of each rule is said since when it has been there without a break', async () => {
  const log = new MemoryLog(new FakeClock());
  for (const ids of [['a', 'b'], ['a'], ['a', 'b']]) await publish(log, byCommand(file(...ids)));
  const { rules } = (await readPublished(log, topicOf('shop'))).at(-1)!;
  assert.deepEqual([rules['a']!.since, rules['b']!.since], [1, 3]);
});

test('of two who publish at once nothing is lost: one number, one version', async () => {
  const log = new MemoryLog(new FakeClock());
  const results = await Promise.allSettled(['a', 'b', 'c', 'd'].map((id) => publish(log, byCommand(file(id)))));
  const done = results.filter(({ status }) => status === 'fulfilled').length;
  const versions = (await readPublished(log, topicOf('shop'))).map(({ version }) => version);
  assert.ok(done >= 1);
  assert.deepEqual(
    versions,
    Array.from({ length: done }, (_, i) => i + 1),
  );
});

test('a folder is published when it is new, and not again after a restart, a rollback or a publication from elsewhere', async () => {
  const log = new MemoryLog(new FakeClock());
  const folder = publicationOf(file('a'));
  assert.equal((await publishFolder(log, folder))?.version, 1);
  assert.equal(await publishFolder(log, folder), null);
  await publish(log, byCommand(file('a', 'b')));
  assert.equal(await publishFolder(log, folder), null);
  assert.equal(await publishFolder(log, publicationOf(file('a', 'b'))), null);
  await publish(log, { ...byCommand(file('c')), origin: 'rollback' });
  assert.equal(await publishFolder(log, publicationOf(file('a', 'b'))), null);
  assert.equal((await publishFolder(log, publicationOf(file('a', 'd'))))?.version, 4);
});

test('records that are no rule sets are passed over', async () => {
  const log = new MemoryLog(new FakeClock());
  await publish(log, byCommand(file('a')));
  const writer = await log.openWriter('someone');
  const wrong = ['{}', 'null', 'not json', '{"format":2,"version":9,"files":[]}'];
  writer.send(
    wrong.map((text, i) => ({
      topic: 'tripline.rules',
      partition: 0,
      timestamp: 1,
      key: Buffer.from(String(i)),
      value: Buffer.from(text),
      headers: [],
    })),
  );
  await writer.commit('someone', []);
  assert.equal((await readPublished(log, topicOf('shop'))).length, 1);
});

import assert from 'node:assert/strict';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { COMMANDS } from '../../../apps/cli/commands/index.ts';
import { Event } from '../../../schemas/event.ts';
import { CatalogueCounter, NAMES_MAX, PROPERTIES_MAX } from '../../../services/events/catalogue.ts';
import { keepCatalogue, keptEvents, knownEvents } from '../../../services/events/known.ts';
import { folderWith, run } from '../../apps/cli/kit.ts';

const START = Date.UTC(2026, 0, 1);

function event(name: string, at: number, properties: Record<string, never> | object = {}): Event {
  return new Event({
    messageId: `m${at}`,
    type: 'track',
    event: name,
    userId: 'ann@example.com',
    anonymousId: null,
    time: START + at,
    properties: properties as never,
  });
}

test('names, types, shares and rates are counted; of values and people nothing is kept (C1)', () => {
  const counter = new CatalogueCounter();
  counter.add(event('paid', 0, { amount: 12, note: 'call +49 171 555' }));
  counter.add(event('paid', 43_200_000, { amount: '12', items: [1], more: { a: 1 }, none: null, is: true }));
  counter.add(event('left', 86_400_000));
  counter.unreadable();
  const catalogue = counter.catalogue();
  assert.deepEqual(catalogue.events[0], {
    name: 'paid',
    count: 2,
    perDay: 2,
    first: '2026-01-01T00:00:00.000Z',
    last: '2026-01-01T12:00:00.000Z',
    properties: [
      { name: 'amount', types: ['number', 'text'], share: 1 },
      { name: 'is', types: ['boolean'], share: 0.5 },
      { name: 'items', types: ['list'], share: 0.5 },
      { name: 'more', types: ['mapping'], share: 0.5 },
      { name: 'none', types: ['null'], share: 0.5 },
      { name: 'note', types: ['text'], share: 0.5 },
    ],
    hasMore: false,
  });
  assert.deepEqual([catalogue.count, catalogue.others, catalogue.unreadable], [3, 0, 1]);
  assert.doesNotMatch(JSON.stringify(catalogue), /ann@|171|12[",]/);
});

test('names and properties that a sender makes up without end are counted and not kept (C2)', () => {
  const counter = new CatalogueCounter();
  for (let i = 0; i < NAMES_MAX + 50; i++) counter.add(event(`viewed ${i}`, i));
  counter.add(event('x'.repeat(101), 0));
  counter.add(event('viewed 0', 0, Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`p${i}`, i]))));
  const { events, others } = counter.catalogue();
  assert.equal(events.length, NAMES_MAX);
  assert.equal(others, 51);
  assert.deepEqual([events[0]!.properties.length, events[0]!.hasMore], [PROPERTIES_MAX, true]);
  assert.equal(knownEvents(events).properties('viewed 0'), null);
});

test('what was learned is kept for checks, for its owner alone; a file that is none is no catalogue (K1)', (t) => {
  const dataDir = join(folderWith(t, {}), 'data');
  assert.equal(keptEvents(dataDir), null);
  const counter = new CatalogueCounter();
  counter.add(event('paid', 0, { amount: 12 }));
  keepCatalogue(dataDir, counter.catalogue());
  const known = keptEvents(dataDir)!;
  assert.deepEqual([...known.names], ['paid']);
  assert.deepEqual([[...known.properties('paid')!], known.properties('payed')], [['amount'], null]);
  assert.equal(statSync(join(dataDir, 'events.json')).mode & 0o777, 0o600);
  writeFileSync(join(dataDir, 'events.json'), '{"events":[{"name":5}]}');
  assert.equal(keptEvents(dataDir), null);
});

test('tripline events learns from a file, shows lines of at most 80 columns, and says what it could not read', async (t) => {
  const properties = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`property_number_${i}`, i]));
  const line = { userId: 'u1', event: 'order_completed', timestamp: '2026-01-01T00:00:00Z', properties };
  const folder = folderWith(t, { 'events.jsonl': `${JSON.stringify(line)}\nnonsense\n` });
  const shown = await run(['events', '--events', 'events.jsonl'], COMMANDS, folder);
  assert.equal(shown.code, 0);
  assert.match(shown.out, /^order_completed +1 .*last 2026-01-01T00:00:00\.000Z$/m);
  assert.match(shown.out, /events: 1 events of 1 names, 1 that cannot be read\n$/);
  for (const text of shown.out.split('\n')) assert.ok(text.length <= 80, text);
  const json = await run(['events', '--events', 'events.jsonl', '--json'], COMMANDS, folder);
  assert.equal((JSON.parse(json.out) as { name: string }).name, 'order_completed');
});

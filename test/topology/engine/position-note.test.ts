import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodePositionNote, encodePositionNote } from '../../../topology/engine/position-note.ts';

const WALL = Date.UTC(2026, 0, 1);

test('a note comes back as it was, with watermarks that are unknown or ahead of the wall clock', () => {
  const watermarks = { 'events.shop/0': WALL - 7, 'events.shop/1': -1, 'events.app/0': WALL + 12 };
  const inputs = [
    { time: WALL - 3, watermarks: null },
    { time: -1, watermarks },
  ];
  const note = { writer: 'shop-1', time: { streamTime: WALL - 5_001, wall: WALL, inputs } };
  assert.deepEqual(decodePositionNote(encodePositionNote(note)), note);
});

test('a position without a note has none', () => {
  assert.equal(decodePositionNote(undefined), null);
  assert.equal(decodePositionNote(''), null);
});

test('the watermarks of 250 partitions, a year behind, fit into a note', () => {
  const behind = WALL - 365 * 86_400_000;
  const watermarks = Object.fromEntries(Array.from({ length: 250 }, (_, i) => [`events.shop/${i}`, behind + i]));
  const inputs = [{ time: behind, watermarks }];
  const note = { writer: 'shop-1', time: { streamTime: behind, wall: WALL, inputs } };
  assert.deepEqual(decodePositionNote(encodePositionNote(note)), note);
});

test('more partitions than fit are an error that says so', () => {
  const watermarks = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`events.shop/${i}`, i]));
  const note = { writer: 'shop-1', time: { streamTime: 1, wall: WALL, inputs: [{ time: 0, watermarks }] } };
  assert.throws(() => encodePositionNote(note), { code: 'TRG_TOPIC_MISMATCH', message: /keyed: false/ });
});

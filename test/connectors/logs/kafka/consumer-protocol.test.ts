import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AssignerProtocol } from 'kafkajs';
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../../../../connectors/logs/kafka/group/consumer-protocol.ts';
import { bytes, text } from '../../../contract/log-kit.ts';

const owned = [
  { topic: 'a', partition: 0 },
  { topic: 'b', partition: 3 },
  { topic: 'a', partition: 2 },
];

test('what a member says of itself comes back as it was', () => {
  const subscription = { topics: ['a', 'bé'], note: bytes('note'), owned, generation: 7 };
  const decoded = decodeSubscription(encodeSubscription(subscription));
  assert.deepEqual(decoded.topics, ['a', 'bé']);
  assert.equal(text(decoded.note), 'note');
  assert.equal(decoded.generation, 7);
  assert.deepEqual(decoded.owned, [owned[0], owned[2], owned[1]]);
});

test('what a member is dealt comes back as it was, and no bytes are nothing', () => {
  const decoded = decodeAssignment(encodeAssignment({ partitions: owned, note: bytes('note') }));
  assert.deepEqual(decoded.partitions, [owned[0], owned[2], owned[1]]);
  assert.equal(text(decoded.note), 'note');
  assert.deepEqual(decodeAssignment(Buffer.alloc(0)), { partitions: [], note: new Uint8Array() });
});

test('another client reads both', () => {
  const subscription = encodeSubscription({ topics: ['a', 'b'], note: bytes('note'), owned, generation: -1 });
  const member = AssignerProtocol.MemberMetadata.decode(subscription)!;
  assert.deepEqual([member.topics, text(member.userData)], [['a', 'b'], 'note']);
  const assigned = AssignerProtocol.MemberAssignment.decode(
    encodeAssignment({ partitions: owned, note: bytes('note') }),
  )!;
  assert.deepEqual({ ...assigned.assignment }, { a: [0, 2], b: [3] });
  assert.equal(text(assigned.userData), 'note');
});

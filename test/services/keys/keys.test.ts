import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { createKey, hashOfKey, isSameHash } from '../../../services/keys/keys.ts';

test('a key has 256 random bits, and its entry only the SHA-256 of its text', () => {
  const { key, hash, ...rest } = createKey('ci', ['viewer', 'editor'], Date.UTC(2027, 0, 1));
  assert.match(key, /^tripline_[A-Za-z0-9_-]{43}$/);
  assert.equal(Buffer.from(key.slice('tripline_'.length), 'base64url').length, 32);
  assert.equal(hash, `sha256:${createHash('sha256').update(key).digest('hex')}`);
  assert.deepEqual(rest, { name: 'ci', roles: ['viewer', 'editor'], expires: '2027-01-01T00:00:00.000Z' });
  assert.notEqual(createKey('ci', ['viewer'], null).key, key);
  assert.equal('expires' in createKey('ci', ['viewer'], null), false);
});

test('hashes are the same only when all of them is', () => {
  const hash = hashOfKey('a');
  assert.ok(isSameHash(hash, hashOfKey('a')));
  assert.ok(!isSameHash(hash, hashOfKey('b')));
  assert.ok(!isSameHash(hash, `${hash}0`));
});

// What every KeyValueStore must do. Run on each implementation by test/state/store/*-store.test.ts.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KeyValueStore } from '../../state/store/api.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : Buffer.from(value).toString();

export function keyValueStoreSuite(
  name: string,
  open: (t: { after(fn: () => unknown): void }) => Promise<KeyValueStore>,
) {
  test(`${name}: a key that was never written has no value`, async (t) => {
    const store = await open(t);
    assert.equal(store.get(bytes('a')), undefined);
  });

  test(`${name}: a batch writes and deletes`, async (t) => {
    const store = await open(t);
    await store.write([
      { key: bytes('a'), value: bytes('1') },
      { key: bytes('b'), value: bytes('2') },
    ]);
    await store.write([
      { key: bytes('a'), value: null },
      { key: bytes('b'), value: bytes('3') },
      { key: bytes('never there'), value: null },
    ]);
    assert.equal(store.get(bytes('a')), undefined);
    assert.equal(text(store.get(bytes('b'))), '3');
  });

  test(`${name}: the last of two writes of one key in a batch counts`, async (t) => {
    const store = await open(t);
    await store.write([
      { key: bytes('a'), value: bytes('1') },
      { key: bytes('a'), value: bytes('2') },
    ]);
    assert.equal(text(store.get(bytes('a'))), '2');
  });

  test(`${name}: an empty value, which would cost memory for good, is refused`, async (t) => {
    const store = await open(t);
    await assert.rejects(store.write([{ key: bytes('a'), value: new Uint8Array(0) }]), /no value is empty/);
    assert.equal(store.get(bytes('a')), undefined);
  });

  test(`${name}: a range is in unsigned byte order, from its first key up to but without its last`, async (t) => {
    const store = await open(t);
    const keys = [
      Uint8Array.of(0x80),
      Uint8Array.of(0x7f),
      Uint8Array.of(0x7f, 0),
      Uint8Array.of(0xff),
      Uint8Array.of(1),
    ];
    await store.write(keys.map((key) => ({ key, value: bytes('x') })));
    const found = await store.range(Uint8Array.of(0x7f), Uint8Array.of(0xff), 10);
    assert.deepEqual(
      found.map(({ key }) => [...key]),
      [[0x7f], [0x7f, 0], [0x80]],
    );
  });

  test(`${name}: a range gives no more than its limit`, async (t) => {
    const store = await open(t);
    await store.write(['a', 'b', 'c'].map((key) => ({ key: bytes(key), value: bytes(key) })));
    const found = await store.range(bytes('a'), bytes('z'), 2);
    assert.deepEqual(
      found.map(({ value }) => text(value)),
      ['a', 'b'],
    );
  });

  test(`${name}: clear leaves nothing`, async (t) => {
    const store = await open(t);
    await store.write([{ key: bytes('a'), value: bytes('1') }]);
    await store.clear();
    assert.equal(store.get(bytes('a')), undefined);
    assert.deepEqual(await store.range(bytes(''), Uint8Array.of(0xff), 10), []);
  });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  childTraceparent,
  formatTraceparent,
  packTraceparent,
  parseTraceparent,
  spanIdOf,
  traceContextOf,
  traceHeaders,
  traceparentOf,
  unpackTraceparent,
} from '../../schemas/trace.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const HEADER = `00-${TRACE}-${SPAN}-01`;

test('a well-formed traceparent is taken, of a later version what version 00 knows', () => {
  assert.equal(parseTraceparent(HEADER), HEADER);
  assert.equal(parseTraceparent(`cc-${TRACE}-${SPAN}-01-what-the-future-will-be`), HEADER);
});

for (const [what, text] of Object.entries({
  'version ff': `ff-${TRACE}-${SPAN}-01`,
  'a trace id of zeros': `00-${'0'.repeat(32)}-${SPAN}-01`,
  'a span id of zeros': `00-${TRACE}-${'0'.repeat(16)}-01`,
  'capital letters': HEADER.toUpperCase(),
  'more after version 00': `${HEADER}-more`,
  'too little': HEADER.slice(0, -1),
  nothing: '',
})) {
  test(`${what} is no traceparent (W1)`, () => {
    assert.equal(parseTraceparent(text), null);
    assert.equal(traceparentOf([['traceparent', Buffer.from(text)]]), null);
  });
}

test('it goes into headers and comes out of them', () => {
  const headers = [['other', Buffer.from('x')] as const, ...traceHeaders(HEADER)];
  assert.equal(traceparentOf(headers), HEADER);
  assert.equal(traceparentOf([]), null);
  assert.deepEqual(traceHeaders(null), []);
});

test('a child has the same trace and flags, and a span that follows from its id (W2)', () => {
  const child = childTraceparent(HEADER, spanIdOf('0123456789abcdef0123456789abcdef'));
  assert.equal(child, `00-${TRACE}-0123456789abcdef-01`);
  assert.equal(spanIdOf('0'.repeat(32)), '0000000000000001');
});

test('whatever its ids and flags are, it is packed into 25 bytes and unpacked, and read into its parts', () => {
  const hex = (length: number) =>
    fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length });
  const ids = fc.record({ traceId: hex(32), spanId: hex(16), isSampled: fc.boolean() });
  fc.assert(
    fc.property(ids, (context) => {
      const text = formatTraceparent(context);
      const packed = packTraceparent(text);
      assert.equal(packed.length, 25);
      assert.equal(unpackTraceparent(packed), text);
      assert.deepEqual(traceContextOf(text), { ...context });
    }),
  );
  assert.equal(unpackTraceparent(new Uint8Array(3)), null);
});

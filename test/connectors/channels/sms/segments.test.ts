import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import calculator from 'sms-segments-calculator';
import { segmentsOf } from '../../../../connectors/channels/sms/segments.ts';

/** Twilio's own calculator, written apart. It cuts no cluster of characters, so the texts here have none. */
function oracle(text: string) {
  const { encodingName, segmentsCount } = new calculator.SegmentedMessage(text);
  return { encoding: encodingName, count: segmentsCount };
}

test('texts at the edges: one more character is one more segment', () => {
  const cases: readonly (readonly [text: string, encoding: string, count: number])[] = [
    ['a'.repeat(160), 'GSM-7', 1],
    ['a'.repeat(161), 'GSM-7', 2],
    ['a'.repeat(306), 'GSM-7', 2],
    ['a'.repeat(307), 'GSM-7', 3],
    ['€'.repeat(80), 'GSM-7', 1],
    [`a${'€'.repeat(80)}`, 'GSM-7', 2],
    ['ё'.repeat(70), 'UCS-2', 1],
    ['ё'.repeat(71), 'UCS-2', 2],
    ['ё'.repeat(134), 'UCS-2', 2],
    ['ё'.repeat(135), 'UCS-2', 3],
    ['😀'.repeat(35), 'UCS-2', 1],
    [`${'a'.repeat(159)}“`, 'UCS-2', 3],
  ];
  for (const [text, encoding, count] of cases) assert.deepEqual(segmentsOf(text), { encoding, count }, text);
});

test('an escape is not cut from what it escapes, nor a surrogate from its other half (G2)', () => {
  assert.equal(segmentsOf(`${'a'.repeat(152)}€${'a'.repeat(152)}`).count, 3);
  assert.equal(segmentsOf(`${'ё'.repeat(66)}😀${'ё'.repeat(66)}`).count, 3);
});

test('property: segments are those of Twilio’s calculator', () => {
  const letters = [...'aZ09 @£Δ_~^{€ё“漢😀🎉\n'];
  const text = fc.array(fc.constantFrom(...letters), { minLength: 1, maxLength: 700 }).map((all) => all.join(''));
  const plain = fc.array(fc.constantFrom(...'abc €~[]'), { minLength: 1, maxLength: 700 }).map((all) => all.join(''));
  fc.assert(fc.property(fc.oneof(text, plain), (given) => assert.deepEqual(segmentsOf(given), oracle(given))));
});

// How many SMS a text takes (3GPP TS 23.038 and 23.040).
//
// Owns: the alphabet, counting. Does not own: what is too many (options.ts).
//
// Invariants:
//   G1. One character outside of the GSM alphabet makes the whole text UCS-2.
//   G2. A character is not cut: neither an escape from what it escapes, nor a surrogate from its other half.

export interface Segments {
  readonly encoding: 'GSM-7' | 'UCS-2';
  readonly count: number;
}

/** TS 23.038, 6.2.1: one septet each. */
const BASIC = new Set(
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà',
);
/** 6.2.1.1: after an escape, so two septets. */
const EXTENDED = new Set('\f^{}\\[~]|€');

/** Septets, or units of 16 bits: of a message that is alone, and of each of several, which give 6 bytes to their header. */
const ROOM = { 'GSM-7': { alone: 160, joined: 153 }, 'UCS-2': { alone: 70, joined: 67 } } as const;

export function segmentsOf(text: string): Segments {
  const characters = [...text];
  const encoding = characters.every((one) => BASIC.has(one) || EXTENDED.has(one)) ? 'GSM-7' : 'UCS-2';
  const lengths = characters.map((one) => (encoding === 'UCS-2' ? one.length : EXTENDED.has(one) ? 2 : 1));
  const { alone, joined } = ROOM[encoding];
  const total = lengths.reduce((sum, length) => sum + length, 0);
  if (total <= alone) return { encoding, count: 1 };
  let count = 1;
  let used = 0;
  for (const length of lengths) {
    if (used + length > joined) {
      count++;
      used = 0;
    }
    used += length;
  }
  return { encoding, count };
}

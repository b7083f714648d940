// What a file is, by its first bytes: packed, text in which encoding, or something that holds no events.
//
// Sources: the signatures are those of the formats' own specifications (RFC 1952, RFC 8878, PKWARE's APPNOTE, …).

export type Packing = 'gzip' | 'zstd';

/** Bytes that tell everything that is told apart here. */
export const HEAD_BYTES = 16;

/** Null: not packed in a way that is unpacked here. */
export function packingOf(head: Buffer): Packing | null {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  if (head.length < 4) return null;
  const magic = head.readUInt32LE(0);
  // The sixteen skippable frames count: pzstd and the seekable format begin or end with one.
  return magic === 0xfd2fb528 || (magic & 0xfffffff0) >>> 0 === 0x184d2a50 ? 'zstd' : null;
}

const STRANGERS: readonly (readonly [signature: string, what: string])[] = [
  ['fffe0000', 'text in UTF-32: save it as UTF-8'],
  ['0000feff', 'text in UTF-32: save it as UTF-8'],
  ['504b0304', 'a ZIP archive, or an Excel workbook (.xlsx): unpack it, or save the sheet as CSV UTF-8'],
  ['d0cf11e0a1b11ae1', 'an old Excel workbook (.xls): save the sheet as CSV UTF-8'],
  ['425a68', 'packed with bzip2: unpack it, or pack it with gzip or zstd'],
  ['fd377a585a00', 'packed with xz: unpack it, or pack it with gzip or zstd'],
  ['04224d18', 'packed with lz4: unpack it, or pack it with gzip or zstd'],
  ['377abcaf271c', 'a 7z archive: unpack it'],
  ['ff060000734e61507059', 'packed with Snappy: unpack it, or pack it with gzip or zstd'],
  ['50415231', 'Parquet inside of something else: unpack it to a file of its own'],
  ['4f626a01', 'an Avro container file: export it as JSON Lines (avro-tools tojson)'],
  ['4f5243', 'ORC: export it as JSON Lines or CSV'],
  ['53514c69746520666f726d617420', 'an SQLite database: export a table as CSV'],
  ['255044462d', 'a PDF'],
  ['7b5c727466', 'rich text (RTF): save it as plain text'],
];

/** What the file is, in words that end the sentence "the file is …", when it holds no events; else null. */
export function strangerOf(head: Buffer): string | null {
  const hex = head.toString('hex');
  return STRANGERS.find(([signature]) => hex.startsWith(signature))?.[1] ?? null;
}

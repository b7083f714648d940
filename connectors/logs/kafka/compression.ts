// How record batches are packed and unpacked.
//
// Owns: which codec, at what level, from which size on. Does not own: the layout of batches (batch-encoder.ts).
//
// All codecs of Kafka are read. `snappy` is not written: Java's readers want a framing of it that the library has not.

import { constants, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { compressionsAlgorithms, compressionsAlgorithmsByBitmask } from '@platformatic/kafka';
import { FatalError } from '../../../lib/errors.ts';

/** What a topic's records are packed with. Whoever reads with kafkajs needs `gzip` or `none`. */
export type Codec = 'none' | 'gzip' | 'lz4' | 'zstd';

/** Below this, packing takes longer than it saves: five records shrink by a quarter, and gzip and zstd take 20 us for it. */
const PACK_FROM_BYTES = 1_024;
/** Level 1 is two to three times as fast as the default and less than a tenth larger (docs/decisions/0014). */
const FAST = 1;

/** Marks a packed batch (the lower three bits of its attributes). */
const BITS: Readonly<Record<Codec, number>> = { none: 0, gzip: 1, lz4: 3, zstd: 4 };

export interface Packed {
  readonly bytes: Uint8Array;
  /** For the batch's attributes. */
  readonly bits: number;
}

/** The bytes as they are written: as they were where packing does not make them smaller. */
export function pack(bytes: Buffer, codec: Codec): Packed {
  if (codec === 'none' || bytes.length < PACK_FROM_BYTES) return { bytes, bits: BITS.none };
  const packed = packWith(bytes, codec);
  return packed.length < bytes.length ? { bytes: packed, bits: BITS[codec] } : { bytes, bits: BITS.none };
}

function packWith(bytes: Buffer, codec: Exclude<Codec, 'none'>): Uint8Array {
  if (codec === 'gzip') return gzipSync(bytes, { level: FAST });
  if (codec === 'lz4') return compressionsAlgorithms.lz4.compressSync(bytes);
  return zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: FAST } });
}

/** Throws FatalError TRG_LOG_REFUSED for a codec that Kafka does not have, and what unpacking damaged bytes throws. */
export function unpack(bytes: Buffer, bits: number): Buffer {
  if (bits === BITS.none) return bytes;
  const algorithm = compressionsAlgorithmsByBitmask[bits];
  if (bits === BITS.zstd) return unpackFrames(bytes);
  if (algorithm === undefined) throw new FatalError('TRG_LOG_REFUSED', `compression ${bits} is not known`);
  return algorithm.decompressSync(bytes);
}

/** All frames of zstd: Node ends with the first, and says how far it came. Throws what damaged bytes throw. */
function unpackFrames(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const { buffer, engine } = zstdDecompressSync(bytes.subarray(at), { info: true }) as unknown as Unpacked;
    parts.push(buffer);
    at += engine.bytesWritten;
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}

/** With the option `info`; `bytesWritten`: of the input that were used. */
interface Unpacked {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

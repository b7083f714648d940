// Why a line or a value of a file is no event, in words that hold nothing of it but the bytes that are no text.

import { RecordError } from '../../../lib/errors.ts';
import { findNotUtf8 } from '../../../lib/text-encoding.ts';

export function tooLarge(recordBytesMax: number): RecordError {
  return new RecordError(
    'TRG_RECORD_TOO_LARGE',
    `the line is longer than ${recordBytesMax} bytes (limits.recordBytes)`,
  );
}

/** `bytes` must hold some that are not UTF-8. */
export function notUtf8(bytes: Uint8Array): RecordError {
  const { at, hex } = findNotUtf8(bytes)!;
  return new RecordError(
    'TRG_RECORD_UNREADABLE',
    `byte ${at + 1} of the line is no text in the encoding of the file: ${hex} ` +
      '(if it was written by Excel or an old database: `--encoding windows-1252`, or `encoding: windows-1252` in the mapping)',
  );
}

export function malformed(message: string): RecordError {
  return new RecordError('TRG_RECORD_UNREADABLE', message);
}

// The body of a request: unpacked within bounds, decoded, parsed.
//
// Invariants:
//   B1. Never more than `bytesMax` is unpacked, whatever the packed body claims.
//   B2. What is handed on is nested no deeper than DEPTH_MAX.

import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { RecordError } from '../../../lib/errors.ts';
import { DEPTH_MAX, isJsonObject, isNestedWithin, type JsonObject } from '../../../schemas/json.ts';

const gunzipBody = promisify(gunzip);
const utf8 = new TextDecoder('utf-8', { fatal: true });

export interface Body {
  readonly json: JsonObject;
  /** Size unpacked. */
  readonly bytes: number;
}

/**
 * Reads a body that came with this Content-Encoding.
 * Throws RecordError TRG_RECORD_TOO_LARGE, TRG_RECORD_UNREADABLE, TRG_RECORD_INVALID.
 */
export async function readBody(raw: unknown, encoding: string | undefined, bytesMax: number): Promise<Body> {
  const packed = Buffer.isBuffer(raw) ? raw : Buffer.alloc(0);
  const bytes = await unpack(packed, encoding, bytesMax);
  if (bytes.length > bytesMax) throw tooLarge(bytesMax);
  const json = parse(bytes);
  if (!isJsonObject(json)) throw new RecordError('TRG_RECORD_INVALID', 'the body must be a JSON object');
  if (!isNestedWithin(json, DEPTH_MAX)) {
    throw new RecordError('TRG_RECORD_INVALID', `the body is nested deeper than ${DEPTH_MAX} levels`);
  }
  return { json, bytes: bytes.length };
}

async function unpack(packed: Buffer, encoding: string | undefined, bytesMax: number): Promise<Buffer> {
  const name = encoding?.trim().toLowerCase() ?? '';
  if (name === '' || name === 'identity') return packed;
  if (name !== 'gzip') {
    throw new RecordError('TRG_RECORD_UNREADABLE', `content-encoding ${name.slice(0, 40)} is not known: use gzip`);
  }
  try {
    return await gunzipBody(packed, { maxOutputLength: bytesMax });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(bytesMax);
    throw new RecordError('TRG_RECORD_UNREADABLE', 'the body is not whole gzip, as content-encoding says', {}, error);
  }
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(utf8.decode(bytes));
  } catch {
    // JSON.parse quotes the text in its message, which is somebody's data.
    throw new RecordError('TRG_RECORD_UNREADABLE', 'the body is not JSON in UTF-8');
  }
}

function tooLarge(bytesMax: number): RecordError {
  return new RecordError('TRG_RECORD_TOO_LARGE', `the body is larger than ${bytesMax} bytes`);
}

// W3C trace context: the header `traceparent`, which joins what systems do about one request into one trace.
//
// Owns: reading, checking, packing and deriving it. Does not own: spans (lib/spans.ts), who carries it.
//
// Invariants:
//   W1. What comes in from outside is used only when it is well formed: 55 characters, bounded, no free text.
//   W2. A decision's traceparent follows from its event's and its id alone: the same in every replay (docs/design.md, I1).

import { asBuffer, utf8Text } from '../lib/bytes.ts';
import { NO_HEADERS, type RecordHeader } from './record.ts';

export const TRACEPARENT = 'traceparent';

/** Version 00 as it is; of a later version the parts that 00 knows. */
const FORM = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?=$|-)/;
const BYTES = 25;

/** The traceparent in version 00; null when the text is none. */
export function parseTraceparent(text: string): string | null {
  const match = FORM.exec(text);
  if (match === null || (text.startsWith('00') && text.length !== match[0].length)) return null;
  return `00-${match[1]}-${match[2]}-${match[3]}`;
}

/** The traceparent among a record's headers; null without a well-formed one. */
export function traceparentOf(headers: readonly RecordHeader[]): string | null {
  for (const [name, value] of headers) {
    if (name === TRACEPARENT) return parseTraceparent(utf8Text(value));
  }
  return null;
}

/** The header that carries it; none for null. */
export function traceHeaders(traceparent: string | null): readonly RecordHeader[] {
  return traceparent === null ? NO_HEADERS : [[TRACEPARENT, Buffer.from(traceparent, 'latin1')]];
}

/** The traceparent of what was done under `parent`: the same trace, another span. */
export function childTraceparent(parent: string, spanId: string): string {
  return `${parent.slice(0, 36)}${spanId}${parent.slice(52)}`;
}

/** A span's id from an id in hexadecimal, such as a decision's (W2). */
export function spanIdOf(id: string): string {
  const spanId = id.slice(0, 16);
  return spanId === '0'.repeat(16) ? `${spanId.slice(1)}1` : spanId;
}

export interface TraceContext {
  readonly traceId: string;
  readonly spanId: string;
  /** Whether whoever began the trace keeps it. */
  readonly isSampled: boolean;
}

export function traceContextOf(traceparent: string): TraceContext {
  const flags = Number.parseInt(traceparent.slice(53), 16);
  return { traceId: traceparent.slice(3, 35), spanId: traceparent.slice(36, 52), isSampled: (flags & 1) === 1 };
}

export function formatTraceparent({ traceId, spanId, isSampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`;
}

/** As it is kept in state: 25 bytes instead of 55 characters. */
export function packTraceparent(traceparent: string): Uint8Array {
  return Buffer.from(traceparent.slice(3).replaceAll('-', ''), 'hex');
}

export function unpackTraceparent(bytes: Uint8Array): string | null {
  if (bytes.length !== BYTES) return null;
  const hex = asBuffer(bytes).toString('hex');
  return `00-${hex.slice(0, 32)}-${hex.slice(32, 48)}-${hex.slice(48)}`;
}

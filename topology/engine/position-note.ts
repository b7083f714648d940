// The note beside a task's committed positions: whose commit it was, and where the task stood in time.
//
// A cluster keeps at most 4 KB of it, so watermarks of other tasks, of which there may be hundreds, are kept as
// differences to the wall clock, in lists by topic.

import { FatalError } from '../../lib/errors.ts';
import type { StreamTimeSnapshot } from './stream-time.ts';

export interface PositionNote {
  /** The transactional id of the writer. */
  readonly writer: string;
  readonly time: StreamTimeSnapshot;
}

/** By topic, for each partition how far its watermark is behind the wall clock, ms; null: nothing known of it. */
type StoredWatermarks = { [topic: string]: (number | null)[] };

interface StoredNote {
  readonly writer: string;
  readonly streamTime: number;
  readonly wall: number;
  readonly inputs: readonly (number | StoredWatermarks)[];
  /** Version of the rules in force. */
  readonly rules?: number;
}

const BYTES_MAX = 4_096;
const UNKNOWN = -1;

/** Throws FatalError TRG_TOPIC_MISMATCH when the upstream partitions are too many for a note. */
export function encodePositionNote({ writer, time }: PositionNote): string {
  const { streamTime, wall, inputs, rules } = time;
  const stored: StoredNote = {
    writer,
    streamTime,
    wall,
    inputs: inputs.map((input) => (input.watermarks === null ? input.time : storedWatermarks(input.watermarks, wall))),
    ...(rules !== undefined && { rules }),
  };
  const text = JSON.stringify(stored);
  if (text.length > BYTES_MAX) {
    const message = 'sources with keyed: false have more partitions together than one task can follow, some 300';
    throw new FatalError('TRG_TOPIC_MISMATCH', message, { bytes: text.length });
  }
  return text;
}

/** Null where there is none. */
export function decodePositionNote(text: string | undefined): PositionNote | null {
  if (text === undefined || text === '') return null;
  const { writer, streamTime, wall, inputs, rules } = JSON.parse(text) as StoredNote;
  return {
    writer,
    time: {
      streamTime,
      wall,
      inputs: inputs.map((input) => inputOf(input, wall)),
      ...(rules !== undefined && { rules }),
    },
  };
}

function storedWatermarks(watermarks: Readonly<Record<string, number>>, wall: number): StoredWatermarks {
  const stored: StoredWatermarks = {};
  for (const [name, time] of Object.entries(watermarks)) {
    const slash = name.lastIndexOf('/');
    const topic = name.slice(0, slash);
    stored[topic] ??= [];
    stored[topic][Number(name.slice(slash + 1))] = time === UNKNOWN ? null : wall - time;
  }
  return stored;
}

function inputOf(stored: number | StoredWatermarks, wall: number): StreamTimeSnapshot['inputs'][number] {
  if (typeof stored === 'number') return { time: stored, watermarks: null };
  const watermarks: Record<string, number> = {};
  for (const [topic, partitions] of Object.entries(stored)) {
    partitions.forEach((behind, partition) => {
      watermarks[`${topic}/${partition}`] = behind === null ? UNKNOWN : wall - behind;
    });
  }
  return { time: Math.min(...Object.values(watermarks)), watermarks };
}

// Gathers one transaction at a time as encoded batches and commits it through a LogCore.

import { assert } from '../../../lib/assert.ts';
import type { NewRecord } from '../../../schemas/record.ts';
import type { CommittedPosition, LogWriter } from '../../../topology/engine/ports.ts';
import { BatchEncoder } from './batch.ts';
import type { EncodedPartition, LogCore, WriterId } from './core.ts';

/** As topology/engine/ports.ts says of a group's note. */
const METADATA_BYTES_MAX = 4096;

interface Output {
  readonly encoder: BatchEncoder;
  records: number;
}

export class CoreWriter implements LogWriter {
  readonly #core: LogCore;
  readonly #id: WriterId;
  /** By topic, then partition: no string is built per record. */
  readonly #outputs = new Map<string, Map<number, Output>>();
  /** Why nothing more can be done with the open transaction, or the writer; undefined: it can. */
  #unusable: 'closed' | 'committing' | 'failed' | 'refused' | undefined;

  constructor(core: LogCore, id: WriterId) {
    this.#core = core;
    this.#id = id;
  }

  /** Throws RecordError TRG_RECORD_TOO_LARGE; the transaction can then only be aborted. */
  send(records: Iterable<NewRecord>): void {
    this.#assertUsable();
    try {
      for (const record of records) {
        const output = this.#output(record.topic, record.partition);
        output.encoder.add(record, output.records);
        output.records++;
      }
    } catch (error) {
      this.#unusable = 'refused';
      throw error;
    }
  }

  async commit(group: string, positions: readonly CommittedPosition[]): Promise<ReadonlyMap<string, number>> {
    this.#assertUsable();
    for (const { metadata } of positions) {
      assert(
        Buffer.byteLength(metadata) <= METADATA_BYTES_MAX,
        `a position's note has at most ${METADATA_BYTES_MAX} bytes`,
      );
    }
    this.#unusable = 'committing';
    let ends: ReadonlyMap<string, number>;
    try {
      ends = await this.#core.commit(this.#id, { group, positions, partitions: this.#encoded() });
    } catch (error) {
      this.#unusable = 'failed';
      throw error;
    }
    this.#clear();
    this.#unusable = undefined;
    return ends;
  }

  abort(): Promise<void> {
    assert(this.#unusable !== 'committing', 'a transaction being committed is not aborted');
    this.#clear();
    if (this.#unusable === 'refused') this.#unusable = undefined;
    return Promise.resolve();
  }

  close(): Promise<void> {
    if (this.#unusable !== 'closed') this.#core.closeWriter(this.#id);
    this.#unusable = 'closed';
    this.#outputs.clear();
    return Promise.resolve();
  }

  #assertUsable(): void {
    assert(this.#unusable === undefined, `a writer is used only while it is usable; it is ${this.#unusable}`);
  }

  #encoded(): EncodedPartition[] {
    const encoded: EncodedPartition[] = [];
    for (const [topic, outputs] of this.#outputs) {
      for (const [partition, output] of outputs) {
        if (output.records > 0) encoded.push({ topic, partition, bytes: output.encoder.finish() });
      }
    }
    return encoded;
  }

  #clear(): void {
    for (const outputs of this.#outputs.values()) {
      for (const output of outputs.values()) {
        output.encoder.clear();
        output.records = 0;
      }
    }
  }

  #output(topic: string, partition: number): Output {
    let outputs = this.#outputs.get(topic);
    if (outputs === undefined) this.#outputs.set(topic, (outputs = new Map()));
    let output = outputs.get(partition);
    if (output === undefined) outputs.set(partition, (output = { encoder: new BatchEncoder(), records: 0 }));
    return output;
  }
}

// The heads of Kafka's requests and responses in a stream of bytes, wherever the network cut it.
//
// Owns: framing (a size of 4 bytes before each message). Does not own: what stands in a message beyond its head.

const SIZE_BYTES = 4;

/** Watches one direction of a connection. */
export class FrameHeads {
  readonly #headBytes: number;
  /** Size and head of the message that is coming, as far as they are here. */
  #head: Buffer = Buffer.alloc(0);
  /** Bytes of the current message that are still to come after its head. */
  #rest = 0;

  /** `headBytes`: how much of each message is wanted, after its size. */
  constructor(headBytes: number) {
    this.#headBytes = headBytes;
  }

  /** The heads that this chunk completes, in order. */
  take(chunk: Buffer): Buffer[] {
    const heads: Buffer[] = [];
    for (let at = 0; at < chunk.length; ) {
      if (this.#rest > 0) {
        const skipped = Math.min(this.#rest, chunk.length - at);
        this.#rest -= skipped;
        at += skipped;
        continue;
      }
      const wanted = SIZE_BYTES + this.#headBytes - this.#head.length;
      const piece = chunk.subarray(at, at + wanted);
      this.#head = Buffer.concat([this.#head, piece]);
      at += piece.length;
      if (piece.length < wanted) break;
      heads.push(this.#head.subarray(SIZE_BYTES));
      this.#rest = this.#head.readInt32BE(0) - this.#headBytes;
      this.#head = Buffer.alloc(0);
    }
    return heads;
  }
}

// Pieces of a file, taken from the front, some of which may be looked at or given back.
//
// Owns: the position of what comes next. Does not own: what the bytes mean (file-kind.ts, unpack.ts).

export class ByteFeed {
  readonly #pieces: AsyncIterator<Buffer>;
  #ready: Buffer[] = [];
  #ended = false;
  /** What reading ahead failed with: it is thrown where it happened, after everything before it. */
  #failure: { readonly error: unknown } | null = null;
  /** Bytes taken so far: where the next one stands. */
  position = 0;

  constructor(pieces: AsyncIterable<Buffer>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /** The first `bytes` of what comes next, fewer at the end or before a failure; they stay. */
  async peek(bytes: number): Promise<Buffer> {
    let held = this.#ready.reduce((sum, piece) => sum + piece.length, 0);
    while (held < bytes && (await this.#more())) held += this.#ready.at(-1)!.length;
    if (this.#ready.length > 1) this.#ready = [Buffer.concat(this.#ready)];
    return (this.#ready[0] ?? Buffer.alloc(0)).subarray(0, bytes);
  }

  /** The next piece as it comes, or its first `bytesMax`, never empty; null at the end. Throws what reading throws. */
  async take(bytesMax = Infinity): Promise<Buffer | null> {
    let piece = this.#ready.shift();
    while (piece === undefined || piece.length === 0) {
      if (this.#ready.length === 0 && !(await this.#more())) {
        if (this.#failure !== null) throw this.#failure.error;
        return null;
      }
      piece = this.#ready.shift();
    }
    this.position += piece.length;
    if (piece.length <= bytesMax) return piece;
    this.putBack(piece.subarray(bytesMax));
    return piece.subarray(0, bytesMax);
  }

  /** Reads one more piece; false: there is none. */
  async #more(): Promise<boolean> {
    if (this.#ended) return false;
    try {
      const { value, done } = await this.#pieces.next();
      if (done !== true) this.#ready.push(value);
      else this.#ended = true;
    } catch (error) {
      this.#ended = true;
      this.#failure = { error };
    }
    return !this.#ended;
  }

  /** Gives back the end of the piece that was taken last. */
  putBack(rest: Buffer): void {
    if (rest.length === 0) return;
    this.#ready.unshift(rest);
    this.position -= rest.length;
  }

  /** Takes `bytes` that peek() has shown. */
  skip(bytes: number): void {
    this.#ready[0] = this.#ready[0]!.subarray(bytes);
    this.position += bytes;
  }

  async *rest(): AsyncGenerator<Buffer> {
    for (let piece = await this.take(); piece !== null; piece = await this.take()) yield piece;
  }
}

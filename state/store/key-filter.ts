// Which keys were surely never seen: a Bloom filter, so that a store need not be asked for what it cannot have.

/** 2 MB. Of a million keys one in eighty is taken for seen that was not, of four million one in six. */
const BITS = 2 ** 24;
const FNV_PRIME = 0x01000193;

export class KeyFilter {
  readonly #words = new Uint32Array(BITS / 32);

  /** Notes the key; false: it was surely not noted before. */
  note(key: Uint8Array): boolean {
    let a = 0x811c9dc5;
    let b = 0x41c6ce57;
    for (let i = 0; i < key.length; i++) {
      a = Math.imul(a ^ key[i]!, FNV_PRIME);
      b = Math.imul(b ^ key[i]!, 0x5f356495);
    }
    const isFirstThere = this.#set((a ^ (a >>> 15)) & (BITS - 1));
    const isSecondThere = this.#set((b ^ (b >>> 13)) & (BITS - 1));
    return isFirstThere && isSecondThere;
  }

  #set(bit: number): boolean {
    const mask = 1 << (bit & 31);
    const word = this.#words[bit >>> 5]!;
    this.#words[bit >>> 5] = word | mask;
    return (word & mask) !== 0;
  }
}

// The few documents at hand in their decoded form: enough that one is not decoded anew for the event after next, few enough to
// die young.
//
// Owns: which documents are at hand, and which goes for another. Does not own: what becomes of one that goes
// (document-store.ts).
//
// Invariants:
//   H1. At most `count` documents are at hand, and with more than one, no more than `bytesMax` of heap as far as is known.
//   H2. A key's documents are in the set of its hash, the one used last first. Not a Map, see lib/text-hash.ts.

import { assert } from '../../lib/assert.ts';
import type { RecordHead } from './document-table.ts';

const WAYS = 4;
/** Enough where a document is asked for again soon or not at all. */
const AT_HAND = 64;

export interface DecodedDocument<Doc> extends RecordHead {
  readonly key: string;
  /** textHash() of the key. */
  readonly hash: number;
  /** Undefined: there is none, or it was deleted. */
  doc: Doc | undefined;
  due: number;
  isKnown: boolean;
  storedDue: number;
  heapBytes: number;
  /** Whether it was put since it was encoded last. */
  isDirty: boolean;
}

export class DecodedDocuments<Doc> {
  readonly #slots: (DecodedDocument<Doc> | undefined)[];
  readonly #sets: number;
  readonly #onLeaving: (document: DecodedDocument<Doc>) => void;
  #bytesMax: number;
  #bytes = 0;
  /** What was found last: a document that is read is mostly put right after. */
  #last: DecodedDocument<Doc> | undefined;

  /** `onLeaving`: is handed a document before it goes. `count`: four times a power of two. */
  constructor(bytesMax: number, onLeaving: (document: DecodedDocument<Doc>) => void, count: number = AT_HAND) {
    this.#sets = count / WAYS;
    assert(this.#sets >= 1 && Number.isInteger(Math.log2(this.#sets)), 'the last bits of a hash tell the set (H2)');
    this.#slots = new Array(count).fill(undefined);
    this.#bytesMax = bytesMax;
    this.#onLeaving = onLeaving;
  }

  set bytesMax(bytes: number) {
    this.#bytesMax = bytes;
  }

  /** The one that was found or added last, if it is of this key. */
  last(key: string): DecodedDocument<Doc> | undefined {
    return this.#last?.key === key ? this.#last : undefined;
  }

  /** It is then the first of its set. */
  find(key: string, hash: number): DecodedDocument<Doc> | undefined {
    const first = (hash & (this.#sets - 1)) * WAYS;
    for (let at = first; at < first + WAYS; at++) {
      const document = this.#slots[at];
      if (document?.hash !== hash || document.key !== key) continue;
      this.#slots.copyWithin(first + 1, first, at);
      this.#slots[first] = document;
      this.#last = document;
      return document;
    }
    return undefined;
  }

  /** The same, whose place stays what it is. */
  peek(key: string, hash: number): DecodedDocument<Doc> | undefined {
    const first = (hash & (this.#sets - 1)) * WAYS;
    for (let at = first; at < first + WAYS; at++) {
      const document = this.#slots[at];
      if (document?.hash === hash && document.key === key) return document;
    }
    return undefined;
  }

  /** Takes a document to hand that is not, for which another of its set goes. */
  add(document: DecodedDocument<Doc>): void {
    const first = (document.hash & (this.#sets - 1)) * WAYS;
    this.#letGo(first + WAYS - 1);
    this.#slots.copyWithin(first + 1, first, first + WAYS - 1);
    this.#slots[first] = document;
    this.#bytes += document.heapBytes;
    if (this.#bytes > this.#bytesMax) this.letGoOfLarge(document);
    this.#last = document;
  }

  /** To be told when it is known better how much of the heap one takes. */
  resize(document: DecodedDocument<Doc>, heapBytes: number): void {
    this.#bytes += heapBytes - document.heapBytes;
    document.heapBytes = heapBytes;
  }

  /** Makes room where documents are larger than thought (H1); `but` stays. */
  letGoOfLarge(but?: DecodedDocument<Doc>): void {
    for (let at = 0; at < this.#slots.length && this.#bytes > this.#bytesMax; at++) {
      if (this.#slots[at] !== but) this.#letGo(at);
    }
  }

  /** Takes a document from hand as if it had never been there. */
  forget(document: DecodedDocument<Doc>): void {
    const at = this.#slots.indexOf(document);
    if (at < 0) return;
    this.#slots[at] = undefined;
    this.#bytes -= document.heapBytes;
    if (this.#last === document) this.#last = undefined;
  }

  *[Symbol.iterator](): Iterator<DecodedDocument<Doc>> {
    for (const document of this.#slots) if (document !== undefined) yield document;
  }

  #letGo(at: number): void {
    const document = this.#slots[at];
    if (document === undefined) return;
    this.#onLeaving(document);
    assert(!document.isDirty, 'a document that goes has been encoded');
    this.#slots[at] = undefined;
    this.#bytes -= document.heapBytes;
    assert(this.#bytes >= 0, 'what is at hand is counted as it comes and goes (H1)');
    if (this.#last === document) this.#last = undefined;
  }
}

// A piece of state that only its owner understands: kind, version, bytes. Whoever stores it knows no more of it.
//
// Owns: when a section's bytes are decoded, and when they are made anew. Does not own: what is in them (StateCodec).
//
// Invariants:
//   S1. A section that nobody changed is written as the bytes that were read.
//   S2. Bytes of a version to come are refused (TRG_STATE_MISMATCH), those of another kind are not opened.

import { FatalError } from '../lib/errors.ts';
import { AvroReader, AvroWriter, avroBytes, readList, writeList } from './avro-bytes.ts';

/** How one kind of state becomes bytes. */
export interface StateCodec<State> {
  /** Its name in stored documents: unique, and never changed. */
  readonly kind: string;
  /** Of what write() writes; read() takes this one and all before it. */
  readonly version: number;
  write(state: State, out: AvroWriter): void;
  read(input: AvroReader, version: number): State;
}

/** Where a section's bytes are made before their number is known. */
const scratch: AvroWriter[] = [];

export class Section {
  readonly kind: string;
  readonly version: number;
  #bytes: Buffer | null;
  readonly #start: number;
  readonly #end: number;
  #value: unknown;
  #codec: StateCodec<never> | null = null;

  private constructor(kind: string, version: number, bytes: Buffer | null, start: number, end: number) {
    this.kind = kind;
    this.version = version;
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
  }

  static of<State>(codec: StateCodec<State>, value: State): Section {
    const section = new Section(codec.kind, codec.version, null, 0, 0);
    section.#value = value;
    section.#codec = codec as StateCodec<never>;
    return section;
  }

  /** Keeps the reader's bytes. */
  static decode(input: AvroReader): Section {
    const kind = input.text();
    const version = input.long();
    const start = input.blobStart();
    return new Section(kind, version, input.bytes, start, input.at);
  }

  encode(out: AvroWriter): void {
    out.text(this.kind);
    out.long(this.version);
    if (this.#bytes !== null) {
      out.blob(this.#bytes, this.#start, this.#end);
      return;
    }
    // Sections lie in sections.
    const inner = scratch.pop() ?? new AvroWriter();
    inner.clear();
    this.#codec!.write(this.#value as never, inner);
    out.blob(inner.bytes, 0, inner.length);
    scratch.push(inner);
  }

  /** Equal for equal states, however they came to be. */
  toJSON(): { readonly kind: string; readonly version: number; readonly bytes: string } {
    const bytes = avroBytes((out) => this.encode(out)).toString('base64');
    return { kind: this.kind, version: this.version, bytes };
  }

  /**
   * The state, decoded once; undefined where it is of another kind. It is not to be changed, unless changed() is called.
   * Throws FatalError TRG_STATE_MISMATCH, and TRG_STATE_CORRUPT for bytes that are none of its kind.
   */
  open<State>(codec: StateCodec<State>): State | undefined {
    if (codec.kind !== this.kind) return undefined;
    if (this.#codec === null) {
      if (this.version > codec.version) throw tooNew(codec, this.version);
      try {
        this.#value = codec.read(new AvroReader().over(this.#bytes!, this.#start, this.#end), this.version);
      } catch (error) {
        if (error instanceof FatalError) throw error;
        const text = `stored bytes are no state "${this.kind}"; delete the task's folder to have it rebuilt`;
        throw new FatalError('TRG_STATE_CORRUPT', text, { kind: this.kind }, error);
      }
      this.#codec = codec as StateCodec<never>;
    }
    return this.#value as State;
  }

  /** The section with this state in the place of what it had, or with what it has changed within: itself, where it can be. */
  with<State>(codec: StateCodec<State>, value: State): Section {
    if (this.kind !== codec.kind || this.version !== codec.version) return Section.of(codec, value);
    this.#bytes = null;
    this.#value = value;
    this.#codec = codec as StateCodec<never>;
    return this;
  }
}

/** Sections of one owner, each of another kind. */
export class Sections {
  #list: Section[];

  /** Keeps the list. */
  constructor(list: Section[] = []) {
    this.#list = list;
  }

  static decode(input: AvroReader): Sections {
    return new Sections(readList(input, Section.decode));
  }

  encode(out: AvroWriter): void {
    writeList(out, this.#list, (section) => section.encode(out));
  }

  get isEmpty(): boolean {
    return this.#list.length === 0;
  }

  /** In the order in which they came. */
  get all(): readonly Section[] {
    return this.#list;
  }

  /** What is kept of this kind; undefined: nothing. It is not to be changed, unless it is put afterwards. */
  open<State>(codec: StateCodec<State>): State | undefined {
    for (const section of this.#list) if (section.kind === codec.kind) return section.open(codec);
    return undefined;
  }

  /** Keeps this, or the changes made in what open() gave; null: nothing is to be kept. */
  put<State>(codec: StateCodec<State>, value: State | null): void {
    const at = this.#list.findIndex(({ kind }) => kind === codec.kind);
    if (value === null) {
      if (at >= 0) this.#list = this.#list.filter((_, place) => place !== at);
    } else if (at >= 0) this.#list[at] = this.#list[at]!.with(codec, value);
    // A list that push() grows has room for 17.
    else this.#list = [...this.#list, Section.of(codec, value)];
  }
}

function tooNew({ kind, version }: StateCodec<never> | StateCodec<unknown>, writtenBy: number): FatalError {
  return new FatalError(
    'TRG_STATE_MISMATCH',
    `state "${kind}" of version ${writtenBy} cannot be read by this version, which knows up to ${version}: a newer ` +
      'Tripline wrote it; run that one',
    { kind, version: writtenBy },
  );
}

// An entity's document as bytes, in the order of schemas/state/entity.avsc and without its records in between: this is done
// for every event that is remembered.
//
// Owns: the order of the fields, when a document is due. Does not own: what they mean (entity-document.ts), states of patterns
// (pattern-state.ts).
//
// Invariants:
//   B1. The bytes are those that the schema's own codec gives.

import type { RuleSet } from '../../rules/api.ts';
import { type AvroReader, type AvroWriter, readList, writeList } from '../../schemas/avro-bytes.ts';
import { avroPart, stateCodec } from '../../schemas/codec.ts';
import { Event } from '../../schemas/event.ts';
import type { Json } from '../../schemas/json.ts';
import type { DocumentSpec } from '../store/api.ts';
import { type Attribute, contextDue, decodeContext, encodeContext, type StoredContext } from './context.ts';
import { type EntityDocument, earliestDeadline, type Instance, type RuleMemory } from './document.ts';
import { readState, writeState } from './pattern-state.ts';
import { RuleMemories } from './rule-memories.ts';
import { SeenIds } from './seen-ids.ts';

const UNKNOWN_SHAPE = 0;
const NOTHING: readonly never[] = Object.freeze([]);

type StoredProfile = readonly { readonly name: string; readonly value: Json; readonly at: number }[];

const profilePart = avroPart<StoredProfile>('state/entity', 'profile');
const contextPart = avroPart<StoredContext>('state/entity', 'context', 'EntityContext');
/** Branches of `["null", "EntityContext"]`. */
const NO_CONTEXT = 0;
const CONTEXT = 1;

const codec = stateCodec<EntityDocument>('state/entity', { write, read });

/** How entity documents are stored; deadlines are those of the patterns in `rules()`. */
export function entityDocumentSpec(rules: () => RuleSet): DocumentSpec<EntityDocument> {
  return {
    dueBy: 'stream-time',
    dueAt: (doc) => Math.min(doc.buffer[0]?.time ?? Infinity, earliestDeadline(doc, rules()), contextDue(doc.context)),
    encode: codec.write,
    decode: codec.read,
  };
}

function write(doc: EntityDocument, out: AvroWriter): void {
  out.long(doc.newestTime);
  out.long(doc.evaluatedBefore);
  doc.seen.encode(out);
  writeList(out, doc.buffer, (event) => event.encode(out));
  profilePart.write(doc.profile === null ? NOTHING : attributesOf(doc.profile), out);
  writeList(out, doc.sent, ({ channel, at }) => {
    out.text(channel);
    out.long(at);
  });
  writeList(out, doc.rules.values(), (memory) => writeMemory(memory, out));
  const context = encodeContext(doc.context);
  out.long(context === null ? NO_CONTEXT : CONTEXT);
  if (context !== null) contextPart.write(context, out);
}

function read(input: AvroReader): EntityDocument {
  const newestTime = input.long();
  const evaluatedBefore = input.long();
  const seen = SeenIds.decode(input);
  const buffer = readList(input, Event.decode);
  const profile = profilePart.read(input);
  const sent = readList(input, readSent);
  const rules = new RuleMemories(readList(input, readMemory));
  const context = input.long() === NO_CONTEXT ? null : contextPart.read(input);
  return {
    newestTime,
    evaluatedBefore,
    seen,
    buffer,
    profile: profile.length === 0 ? null : profileOf(profile),
    sent: sent.length === 0 ? NOTHING : sent,
    rules,
    context: decodeContext(context),
    fitted: null,
    deadline: null,
  };
}

function writeMemory({ rule, fired, forgotten, shape, instances }: RuleMemory, out: AvroWriter): void {
  out.text(rule);
  writeList(out, fired, ({ key, at }) => {
    out.text(key);
    out.long(at);
  });
  out.long(forgotten);
  out.long(shape ?? UNKNOWN_SHAPE);
  writeList(out, instances, ({ by, state }) => {
    out.text(by);
    writeState(state, out);
  });
}

function readMemory(input: AvroReader): RuleMemory {
  const rule = input.text();
  const fired = readList(input, readFired);
  const forgotten = input.long();
  const shape = input.long();
  const instances = readList(input, readInstance);
  return shape === UNKNOWN_SHAPE ? { rule, fired, forgotten, instances } : { rule, fired, forgotten, shape, instances };
}

function readFired(input: AvroReader): RuleMemory['fired'][number] {
  const key = input.text();
  return { key, at: input.long() };
}

function readInstance(input: AvroReader): Instance {
  const by = input.text();
  return { by, state: readState(input) };
}

function readSent(input: AvroReader): EntityDocument['sent'][number] {
  const channel = input.text();
  return { channel, at: input.long() };
}

function attributesOf(profile: ReadonlyMap<string, Attribute>): StoredProfile {
  return Array.from(profile, ([name, { value, at }]) => ({ name, value, at }));
}

function profileOf(stored: StoredProfile): Map<string, Attribute> {
  return new Map(stored.map(({ name, value, at }) => [name, { value, at }]));
}

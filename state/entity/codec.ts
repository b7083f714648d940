// An entity's document as bytes, in the order of schemas/state/entity.avsc and without its records in between: this is done
// for every event that is remembered.
//
// Owns: the order of the fields. Does not own: what they mean (document.ts), what is in sections (their owners).
//
// Invariants:
//   B1. The bytes are those that the schema's own codec gives.

import type { RuleSet } from '../../rules/project/rule-set.ts';
import { type AvroReader, type AvroWriter, readList, writeList } from '../../schemas/avro-bytes.ts';
import { stateCodec } from '../../schemas/codec.ts';
import { Event } from '../../schemas/event.ts';
import { Section, Sections } from '../../schemas/section.ts';
import type { DocumentSpec } from '../store/api.ts';
import { type EntityDocument, entityDue } from './document.ts';
import { type Attributes, attributes } from './facts.ts';
import { type Instance, RuleMemories, type RuleMemory } from './rule-memories.ts';
import { SeenIds } from './seen-ids.ts';
import { fromVersion2 } from './version-2.ts';

const UNKNOWN_SHAPE = 0;
const NO_ATTRIBUTES: Attributes = new Map();

const codec = stateCodec<EntityDocument>('state/entity', { write, read }, { version: 2, to: fromVersion2 });

/** How entity documents are stored; deadlines are those of the patterns in `rules()`. */
export function entityDocumentSpec(rules: () => RuleSet): DocumentSpec<EntityDocument> {
  return { dueBy: 'stream-time', dueAt: (doc) => entityDue(doc, rules()), encode: codec.write, decode: codec.read };
}

function write(doc: EntityDocument, out: AvroWriter): void {
  out.long(doc.newestTime);
  out.long(doc.evaluatedBefore);
  doc.seen.encode(out);
  writeList(out, doc.buffer, (event) => event.encode(out));
  attributes.write(doc.profile ?? NO_ATTRIBUTES, out);
  writeList(out, doc.rules.values(), (memory) => writeMemory(memory, out));
  doc.sections.encode(out);
}

function read(input: AvroReader): EntityDocument {
  const newestTime = input.long();
  const evaluatedBefore = input.long();
  const seen = SeenIds.decode(input);
  const buffer = readList(input, Event.decode);
  const profile = attributes.read(input);
  const rules = new RuleMemories(readList(input, readMemory));
  return {
    newestTime,
    evaluatedBefore,
    seen,
    buffer,
    profile: profile.size === 0 ? null : profile,
    rules,
    sections: Sections.decode(input),
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
    state.encode(out);
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
  return { by, state: Section.decode(input) };
}

// What is known of an entity beside its profile: account, consent, when events happened, scores, what was sent. Each is a
// section of its document, which most entities have few of.
//
// Owns: shapes and stored forms. Does not own: what they mean, and their bounds (processors/evaluate/facts.ts).

import * as binary from '../../schemas/binary.ts';
import { type Wish, wishAfter } from '../../schemas/consent-wish.ts';
import type { Json } from '../../schemas/json.ts';
import type { Sections, StateCodec } from '../../schemas/section.ts';
import { EventTimes, type StoredTimes } from './event-times.ts';

export interface Attribute {
  readonly value: Json;
  /** Event time of the message that set it, ms. */
  readonly at: number;
}

export type Attributes = Map<string, Attribute>;

const attributeList = binary.list(
  binary.record<{ name: string; value: Json; at: number }>({
    name: binary.text,
    value: binary.json,
    at: binary.integer,
  }),
);

export const attributes: binary.Binary<Attributes> = {
  write: (value, out) =>
    attributeList.write(
      Array.from(value, ([name, { value, at }]) => ({ name, value, at })),
      out,
    ),
  read: (input) => new Map(attributeList.read(input).map(({ name, value, at }) => [name, { value, at }])),
};

/** Of the newest group message. */
export const accountFacts: StateCodec<Attributes> = { kind: 'account', version: 1, ...attributes };

/** What the person said about one category, about `channel:<name>`, or about `*`: everything. */
export interface Consent extends Wish {
  readonly about: string;
}

const consentList = binary.list(
  binary.record<Consent>({
    about: binary.text,
    yesAt: binary.integer,
    confirmedAt: binary.integer,
    noAt: binary.integer,
  }),
);

/** As version 1 kept it: what was said last. */
export interface Consent1 {
  readonly category: string;
  readonly allowed: boolean;
  readonly at: number;
}

const consentList1 = binary.list(
  binary.record<Consent1>({ category: binary.text, allowed: binary.boolean, at: binary.integer }),
);

export const consentFacts: StateCodec<Consent[]> = {
  kind: 'consent',
  version: 2,
  write: consentList.write,
  read: (input, version) =>
    version === 1 ? consentList1.read(input).map(consentFromVersion1) : consentList.read(input),
};

export function consentFromVersion1({ category: about, allowed, at }: Consent1): Consent {
  return { about, ...wishAfter(undefined, { allowed, at, isConfirmed: false }) };
}

/** What the person said of each thing. */
export function wishesOf(sections: Sections): (about: string) => Wish | undefined {
  return (name) => sections.open(consentFacts)?.find(({ about }) => about === name);
}

const storedTimes = binary.list(
  binary.record<StoredTimes & { name: string }>({
    name: binary.text,
    steps: binary.list(binary.integer),
    counts: binary.list(binary.integer),
  }),
);

/** When events of the names that expressions ask for happened, by name. */
export const historyFacts: StateCodec<Map<string, EventTimes>> = {
  kind: 'history',
  version: 1,
  write: (value, out) =>
    storedTimes.write(
      Array.from(value, ([name, times]) => ({ name, ...times.encode() })),
      out,
    ),
  read: (input) => new Map(storedTimes.read(input).map((times) => [times.name, EventTimes.decode(times)])),
};

/** What a model that is asked beside the task answered; null: it was asked and has not answered. */
export interface KnownScore {
  readonly model: string;
  readonly value: number | null;
  readonly at: number;
}

export const scoreFacts: StateCodec<KnownScore[]> = {
  kind: 'scores',
  version: 1,
  ...binary.list(
    binary.record<KnownScore>({ model: binary.text, value: binary.nullable(binary.double), at: binary.integer }),
  ),
};

/** A fired send. */
export interface Sent {
  readonly channel: string;
  readonly at: number;
}

/** As far back as expressions ask, in order of decision. */
export const sentFacts: StateCodec<Sent[]> = {
  kind: 'sent',
  version: 1,
  ...binary.list(binary.record<Sent>({ channel: binary.text, at: binary.integer })),
};

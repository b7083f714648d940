// What a verification says, for machines (`tripline verify --json`) and for text.ts.
//
// Owns: the words only. Times are ISO-8601 with ms.

/**
 * differs: it is recorded otherwise. missing: it follows from inputs, journal and rules, and is not recorded. extra: it is recorded, and
 * does not follow. unreadable: its record is not of its schema. journal: an entry of the journal does not go on where the one
 * before it ended.
 */
export type FindingKind = 'differs' | 'missing' | 'extra' | 'unreadable' | 'journal';

/** The step of a journal by which something came about. */
export interface FindingStep {
  readonly task: string;
  /** Offset of the entry in the journal's partition. */
  readonly entry: number;
  readonly kind: 'read' | 'end' | 'wall' | 'rules';
  /** Of a read: the record that was read, as `topic/partition@offset`; null of any other. */
  readonly record: string | null;
}

export interface Finding {
  readonly kind: FindingKind;
  /** `topic/partition` of the record, or of the journal. */
  readonly place: string;
  /** Null: there is no such record. */
  readonly offset: number | null;
  /** Null of what does not follow from any step. */
  readonly step: FindingStep | null;
  /** Whose it is, where its record says so. */
  readonly of: {
    readonly id: string;
    readonly rule: string | null;
    readonly entity: string;
    readonly at: string;
  } | null;
  /** The first field that differs, dotted; of the journal what does not go on; null: there is nothing to compare. */
  readonly field: string | null;
  readonly recorded: unknown;
  readonly replayed: unknown;
}

export interface TopicVerdict {
  /** As recorded, byte for byte. */
  identical: number;
  /** Findings by kind. */
  differs: number;
  missing: number;
  extra: number;
  unreadable: number;
  /** Could not be compared, since what it follows from is no more. */
  unverifiable: number;
  /** Written while this ran, by what the journal said only then. */
  newer: number;
  /** Of rules that no version of this application has: another application's, with the same prefix. */
  foreign: number;
}

export interface TaskVerdict {
  readonly task: string;
  /** Journal entries; 0: nothing has run it. */
  readonly entries: number;
  /** Why its outputs cannot be had again in whole; empty: they can. */
  readonly gone: readonly string[];
}

export interface Verification {
  readonly identical: boolean;
  readonly tasks: readonly TaskVerdict[];
  readonly topics: Readonly<Record<string, TopicVerdict>>;
  /** All findings that there are. */
  readonly differences: number;
  /** The first of them, in the order in which the tasks came to them. */
  readonly findings: readonly Finding[];
}

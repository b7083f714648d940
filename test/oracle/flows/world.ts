// What has happened to one entity: everything, in lists that only grow. Nothing is forgotten, so nothing is kept by any rule.

import type { Names } from '../expression.ts';
import type { OracleMatch } from '../match.ts';
import type { OracleEvent } from '../rule.ts';
import type { Program } from './program.ts';
import type { FlowRule } from './rule.ts';
import type { FlowAction, FlowDecision, FlowRecord, Ids, Input, Story } from './story.ts';

/** A rule from one change of the rules to the next that changes it. */
export interface Version {
  readonly rule: FlowRule;
  readonly program: Program;
  readonly label: string;
  /** Which change of the rules it came with, or the first of those that left its pattern as it was. */
  readonly bornAt: number;
}

export interface Waiting {
  readonly kind: 'wait' | 'waitFor' | 'review' | 'quiet' | 'moved';
  readonly step: number;
  readonly since: number;
  readonly until: number;
}

export interface Flow {
  readonly id: string;
  readonly entity: string;
  /** The value of the pattern's `by`. */
  readonly by: string | undefined;
  readonly matchedAt: number;
  readonly startedAt: number;
  version: Version;
  /** It began with another one. */
  isMoved: boolean;
  names: Names;
  /** Of the event at hand, while it runs; what a timer moves begins anew. */
  depth: number;
  variant: string | null;
  /** What a reviewer put in the place of data. */
  edits: Readonly<Record<string, unknown>>;
  waiting: Waiting | null;
  ended: { readonly at: number; readonly reason: string } | null;
  goalReached: boolean;
}

/** Somebody's goal that is looked for: a flow, or a decision that `holdout` suppressed. */
export type Watched = Pick<Flow, 'id' | 'by' | 'matchedAt' | 'startedAt' | 'version' | 'names' | 'variant'> & {
  goalReached: boolean;
};

/** A match on its way to a decision. */
export interface Candidate {
  readonly version: Version;
  readonly match: OracleMatch;
  readonly by: string | undefined;
  /** Of the event that completed it; 0 of deadlines. */
  readonly depth: number;
  /** A person has looked at it. */
  readonly isReviewed: boolean;
  /** What that person put in the place of data. */
  readonly edits: Readonly<Record<string, unknown>>;
}

/** One that waits, after a decision `deferred` or `review`. */
export interface Pending {
  readonly candidate: Candidate;
  readonly decision: string;
  readonly since: number;
  readonly until: number;
  readonly why: 'quiet-hours' | 'review';
}

export interface Message {
  readonly at: number;
  readonly channel: string;
  readonly category: string | null;
}

export interface Told {
  readonly name: string;
  readonly value: unknown;
  readonly at: number;
}

export type Answer = Extract<Input, { kind: 'answer' }>;
/** What waits for its place in event-time order; `turn` is the order of input. */
export interface Item {
  readonly time: number;
  readonly turn: number;
  readonly what: { readonly event: OracleEvent } | { readonly answer: Answer };
}

/** Where a list of events stood when a change of the rules came. */
export interface Born {
  readonly arrived: number;
  readonly seen: number;
}

/** Everybody, and what is known of all. */
export interface World {
  readonly story: Story;
  readonly ids: Ids;
  readonly entities: Map<string, Entity>;
  versions: readonly Version[];
  streamTime: number;
  /** Null: there is no wall clock. */
  wall: number | null;
  /** By messageId: how many emits led to the event. */
  readonly depths: Map<string, number>;
  tooDeep: number;
}

export interface Entity {
  readonly id: string;
  /** As read, and as evaluated in event-time order. */
  arrived: OracleEvent[];
  seen: OracleEvent[];
  buffer: Item[];
  /** What is known of the profile: of all that was read, and of what was evaluated. */
  toldRead: Told[];
  toldSeen: Told[];
  said: Map<string, boolean>;
  messages: Message[];
  fired: { readonly rule: string; readonly at: number; readonly key: string | undefined }[];
  flows: Flow[];
  heldOut: Watched[];
  pending: Pending[];
  /** Candidates in order of arrival that wait for flows to be known, by the event that completed them. */
  waitingForFlows: { readonly event: OracleEvent; readonly candidate: Candidate }[];
  /** Variant by experiment. */
  assigned: Map<string, string>;
  /** Sends whose message went out, by the action's id: the channels left. */
  routes: Map<string, { readonly action: FlowAction; readonly flow: Flow }>;
  deadlinesDone: Set<string>;
  /** Length of the lists at each change of the rules. */
  born: Born[];
  lastEventAt: number;
  lastTimerAt: number;
  decisions: FlowDecision[];
  actions: FlowAction[];
  records: FlowRecord[];
  /** Emitted, and not yet read. */
  emitted: { readonly to: string; readonly event: OracleEvent }[];
}

export function newEntity(id: string, changes: number): Entity {
  return {
    ...{ id, arrived: [], seen: [], buffer: [], toldRead: [], toldSeen: [], messages: [], fired: [], flows: [] },
    ...{ heldOut: [], pending: [], waitingForFlows: [], decisions: [], actions: [], records: [], emitted: [] },
    ...{ said: new Map(), assigned: new Map(), routes: new Map(), deadlinesDone: new Set() },
    born: Array.from({ length: changes }, () => ({ arrived: 0, seen: 0 })),
    lastEventAt: Number.NEGATIVE_INFINITY,
    lastTimerAt: Number.NEGATIVE_INFINITY,
  };
}

/** Everything that a try of the first steps may have to take back. */
export function remember(entity: Entity): () => void {
  const { toldRead, toldSeen, messages, actions, records, emitted } = entity;
  const lists: unknown[][] = [toldRead, toldSeen, messages, actions, records, emitted];
  const lengths = lists.map((list) => list.length);
  const [assigned, routes] = [new Map(entity.assigned), new Map(entity.routes)];
  return () => {
    for (const [index, list] of lists.entries()) list.length = lengths[index]!;
    entity.assigned = assigned;
    entity.routes = routes;
  };
}

/** Attributes as they are known: of two the later stamp stays, of equal stamps the later told; unset ones are null. */
export function profileOf(told: readonly Told[]): Readonly<Record<string, unknown>> {
  const profile: Record<string, unknown> = {};
  for (const { name, value } of [...told].sort((a, b) => a.at - b.at)) profile[name] = value;
  return profile;
}

/** `profile` as expressions read it: what is unset is null. */
export function readable(profile: Readonly<Record<string, unknown>>): object {
  return new Proxy(
    { ...profile },
    {
      getOwnPropertyDescriptor: (target, name) => ({
        ...{ configurable: true, enumerable: true },
        value: Reflect.get(target, name) ?? null,
      }),
      get: (target, name) => Reflect.get(target, name) ?? null,
    },
  );
}

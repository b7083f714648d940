// Documents that versions 1 and 2 of the schema wrote (schemas/state/entity.v1.avsc, entity.v2.avsc), whose patterns and gates
// stood in the schema itself, as the present version has them.
//
// Owns: where each of their parts is kept now.

import { cappedMessages } from '../../rules/gates/cap.ts';
import { groupHolds } from '../../rules/gates/exclusive.ts';
import type { HeldMatch } from '../../rules/patterns/held-match.ts';
import { PATTERN_STATES } from '../../rules/patterns/index.ts';
import type { Event } from '../../schemas/event.ts';
import type { Json } from '../../schemas/json.ts';
import { Section, Sections, type StateCodec } from '../../schemas/section.ts';
import { heldCandidates } from './candidates.ts';
import type { EntityDocument } from './document.ts';
import { EventTimes, type StoredTimes } from './event-times.ts';
import {
  type Attributes,
  accountFacts,
  type Consent1,
  consentFacts,
  consentFromVersion1,
  historyFacts,
  type KnownScore,
  type Sent,
  scoreFacts,
  sentFacts,
} from './facts.ts';
import { membership, type SegmentLane } from './membership.ts';
import { RuleMemories } from './rule-memories.ts';
import { SeenIds } from './seen-ids.ts';
import { addWait } from './waits.ts';

interface StoredAttribute {
  readonly name: string;
  readonly value: Json;
  readonly at: number;
}

/** `{ [branch]: state }`, as Avro names the branches of a union. */
type StoredState = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

interface Document2 {
  readonly newestTime: number;
  readonly evaluatedBefore: number;
  readonly seen: Buffer;
  readonly buffer: Event[];
  readonly profile: readonly StoredAttribute[];
  readonly sent: Sent[];
  readonly rules: readonly {
    readonly rule: string;
    readonly fired: { key: string; at: number }[];
    readonly forgotten: number;
    readonly shape: number;
    readonly instances: readonly { readonly by: string; readonly state: StoredState }[];
  }[];
  readonly context: Context2 | null;
}

interface Context2 {
  readonly account: readonly StoredAttribute[];
  readonly consent: Consent1[];
  readonly history: readonly (StoredTimes & { readonly name: string })[];
  readonly segments: SegmentLane[];
  readonly fired: { at: number; category: string | null; channels: string[] }[];
  readonly forgotten: number;
  readonly holds: { group: string; rule: string; from: number; until: number }[];
  readonly holdsForgotten: number;
  readonly held: readonly (HeldMatch & { readonly rule: string; readonly reason: string; readonly due: number })[];
  readonly scores: KnownScore[];
}

/** `stored`: as the codec of entity.v2.avsc reads it. */
export function fromVersion2(stored: unknown): EntityDocument {
  const { newestTime, evaluatedBefore, seen, buffer, profile, sent, rules, context } = stored as Document2;
  const sections = new Sections();
  if (sent.length > 0) sections.put(sentFacts, sent);
  if (context !== null) addContext(sections, context);
  return {
    newestTime,
    evaluatedBefore,
    seen: new SeenIds(seen, 0, seen.length),
    buffer,
    profile: profile.length === 0 ? null : attributesOf(profile),
    rules: new RuleMemories(
      rules.map(({ rule, fired, forgotten, shape, instances }) => ({
        rule,
        fired: fired.map(({ key, at }) => ({ key, at })),
        forgotten,
        ...(shape !== 0 && { shape }),
        instances: instances.map(({ by, state }) => ({ by, state: sectionOf(state) })),
      })),
    ),
    sections,
    fitted: null,
    deadline: null,
  };
}

function addContext(sections: Sections, context: Context2): void {
  const { account, consent, history, segments, fired, forgotten, holds, holdsForgotten, held, scores } = context;
  const keep = <State>(codec: StateCodec<State>, value: State, isThere: boolean): void => {
    if (isThere) sections.put(codec, value);
  };
  keep(accountFacts, attributesOf(account), account.length > 0);
  keep(consentFacts, consent.map(consentFromVersion1), consent.length > 0);
  const times = new Map(history.map((each) => [each.name, EventTimes.decode(each)]));
  keep(historyFacts, times, history.length > 0);
  const lanes = segments.map((lane) => ({ ...lane, changesAt: timeOf(lane.changesAt) }));
  keep(membership, lanes, segments.length > 0);
  keep(cappedMessages, { fired, forgotten }, fired.length > 0 || forgotten >= 0);
  keep(groupHolds, { holds, forgotten: holdsForgotten }, holds.length > 0 || holdsForgotten >= 0);
  keep(scoreFacts, scores, scores.length > 0);
  for (const { rule, reason, due, at, events, event, captures } of held) {
    const kind = heldCandidates[reason as keyof typeof heldCandidates];
    addWait(sections, kind, { rule, due: timeOf(due), value: { match: { at, events, event, captures }, by: '' } });
  }
}

function attributesOf(stored: readonly StoredAttribute[]): Attributes {
  return new Map(stored.map(({ name, value, at }) => [name, { value, at }]));
}

function timeOf(stored: number): number {
  return stored < 0 ? Infinity : stored;
}

/** The state of a pattern; of `all` and `any` also the inner ones. */
function sectionOf(stored: StoredState): Section {
  const [branch = '', fields = {}] = Object.entries(stored)[0] ?? [];
  const kind = branch.slice(branch.lastIndexOf('.') + 1);
  const inner = fields['inner'] as readonly { place: number; state: StoredState }[] | undefined;
  const state = {
    ...fields,
    kind,
    ...(inner !== undefined && { inner: inner.map(({ place, state }) => ({ place, state: sectionOf(state) })) }),
  };
  return Section.of(PATTERN_STATES.get(kind)!, state);
}

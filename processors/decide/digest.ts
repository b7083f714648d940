// Digests: what would go out within a window is gathered in the entity's document, and goes out as one message.
//
// Owns: which sends are gathered, what is kept of each. Does not own: the going out (digest-out.ts), a digest's shape
// (rules/flows/digest.ts).
//
// Invariants:
//   D1. A window is [t, t + window] in event time, from the first message on; it is a wait of the entity (waits.ts), so that the
//       same input gives the same digests, and nothing is lost with a worker (I1).
//   D2. For one rule, send and key a message is in one digest: the first whose window has not ended before it.
//   D3. What is kept is bounded: DIGESTS_MAX of an entity, each with ITEMS_MAX items of ITEM_CHARACTERS_MAX together. A match for
//       which there is no room is counted in `more`; a message for which there is no digest goes by itself.
//   D4. Critical messages are never gathered.

import { hash } from 'node:crypto';
import type { DigestContents, ExpressionFailed, Scope } from '../../rules/expressions/scope.ts';
import { jsonOfValue } from '../../rules/expressions/values.ts';
import type { CompiledSend } from '../../rules/flows/send.ts';
import { type HeldMatch, heldMatch, heldMatchOf } from '../../rules/patterns/held-match.ts';
import type { Match } from '../../rules/patterns/pattern.ts';
import type { CompiledRule } from '../../rules/project/compiled-rule.ts';
import * as binary from '../../schemas/binary.ts';
import type { Decision, GatheredSend } from '../../schemas/decision.ts';
import type { Json, JsonObject } from '../../schemas/json.ts';
import type { Sections } from '../../schemas/section.ts';
import { addWait, takeWaits, type WaitKind, waitsOfKind } from '../../state/entity/waits.ts';
import type { Visit } from './visit.ts';

/** Of an entity at a time, over all rules: with the others' bounds its document stays below some megabytes. */
const DIGESTS_MAX = 32;
/** A message that lists more is read by nobody. */
const ITEMS_MAX = 100;
/** As JSON: an action with all its items stays far below the largest record that a log takes, 1 MB. */
const ITEM_CHARACTERS_MAX = 128 * 1024;

export interface OpenDigest {
  readonly id: string;
  readonly step: number;
  /** '' without one. */
  readonly key: string;
  /** What is stamped with it still belongs to it, ms. */
  readonly closes: number;
  /** JSON objects, in the order in which they were gathered. */
  readonly items: string[];
  /** Of each match that was gathered, the event that completed it. */
  readonly events: string[];
  /** Matches for which there was no room. */
  readonly more: number;
  /** The newest match; null: nothing was gathered yet, as after a first message that went at once. */
  readonly newest: HeldMatch | null;
}

export const digestWait: WaitKind<OpenDigest> = {
  what: {
    kind: 'digest',
    version: 1,
    ...binary.record<OpenDigest>({
      id: binary.text,
      step: binary.integer,
      key: binary.text,
      closes: binary.integer,
      items: binary.list(binary.text),
      events: binary.list(binary.text),
      more: binary.integer,
      newest: binary.nullable(heldMatch),
    }),
  },
  max: DIGESTS_MAX,
};

/** A send of a candidate that waits in a digest if the candidate fires. */
export interface Gathering {
  readonly send: CompiledSend;
  readonly key: string;
  /** Null: it opens one. */
  readonly open: OpenDigest | null;
}

/** Where the send of a rule is gathered at `at`; null: it goes now. `opening`: digests that sends before it open at the same time. */
export function gatheringOf(
  { document: { sections } }: Visit,
  { rule, at }: { readonly rule: CompiledRule; readonly at: number },
  send: CompiledSend,
  scope: Scope,
  failed: ExpressionFailed,
  opening: number,
): Gathering | null {
  if (send.digest === null || rule.urgency === 'critical') return null;
  const key = keyOf(send, scope, failed);
  const open = openFor(sections, rule, send, key, at);
  if (open !== null) return { send, key, open };
  const hasRoom = waitsOfKind(sections, digestWait).length + opening < DIGESTS_MAX;
  return send.digest.first || !hasRoom ? null : { send, key, open };
}

/** As the decision names it. */
export function gatheredSendOf({ send, open }: Gathering, decision: Pick<Decision, 'id' | 'at'>): GatheredSend {
  const { step, digest } = send;
  if (open !== null) return { step, digest: open.id, until: open.closes };
  return { step, digest: digestId(decision.id, step), until: decision.at + digest!.windowMs };
}

/** The decision has fired: what it would send is kept. */
export function gather(
  { document: { sections } }: Visit,
  { send, key, open }: Gathering,
  decision: Pick<Decision, 'id' | 'at'>,
  { rule, match, item }: { readonly rule: CompiledRule; readonly match: Match; readonly item: JsonObject },
): void {
  const digest = open ?? opened(decision, send, key);
  if (open !== null) takeWaits(sections, digestWait, ({ value }) => value.id === open.id);
  const text = JSON.stringify(item);
  const size = digest.items.reduce((sum, each) => sum + each.length, text.length);
  const fits = digest.items.length < ITEMS_MAX && size <= ITEM_CHARACTERS_MAX;
  const isNewest = digest.newest === null || match.at >= digest.newest.at;
  const last = match.events.at(-1);
  addWait(sections, digestWait, {
    rule: rule.id,
    due: digest.closes,
    value: {
      ...digest,
      items: fits ? [...digest.items, text] : digest.items,
      events: fits && last !== undefined ? [...digest.events, last] : digest.events,
      more: digest.more + (fits ? 0 : 1),
      newest: isNewest ? heldMatchOf(match) : digest.newest,
    },
  });
}

/** A message went by itself that a digest might have held: the window begins with it where it is the first. */
export function wentAlone(
  visit: Visit,
  rule: CompiledRule,
  send: CompiledSend,
  decision: Pick<Decision, 'id' | 'at'>,
  scope: Scope,
): void {
  if (send.digest === null || rule.urgency === 'critical') return;
  // Its failure was told when the sends were parted.
  const key = keyOf(send, scope, () => {});
  const value = opened(decision, send, key);
  const hasRoom =
    send.digest.first && addWait(visit.document.sections, digestWait, { rule: rule.id, due: value.closes, value });
  if (!hasRoom) visit.output.dropped(rule, 'digest');
}

/** What the expressions of `data` read of a digest. */
export function contentsOf(items: readonly JsonObject[], more: number): DigestContents {
  return { items, more: BigInt(more) };
}

/** What is shown of one match among others, `data` apart. The events' context is left out: it is as large as all the rest. */
export function itemOf(decision: Pick<Decision, 'id' | 'at'>, { event, captures }: Match): JsonObject {
  const shown = Object.entries(captures).map(([name, captured]) => [name, withoutContext(jsonOfValue(captured))]);
  return {
    at: new Date(decision.at).toISOString(),
    decision: decision.id,
    ...(event !== null && { event: withoutContext(event.toJson()) }),
    ...Object.fromEntries(shown),
  };
}

/** With what the message would have said by itself. */
export function itemWithData(
  decision: Pick<Decision, 'id' | 'at'>,
  match: Match,
  send: CompiledSend,
  scope: Scope,
  failed: ExpressionFailed,
): JsonObject {
  const item = itemOf(decision, match);
  return { ...item, data: send.data(withDigest(scope, contentsOf([item], 0)), failed) };
}

/** The scope in which `items` and `more` are known too; it stays one scope, which what it is asked depends on. */
export function withDigest(scope: Scope, contents: DigestContents): Scope {
  scope.captures = { ...scope.captures, ...contents };
  return scope;
}

function withoutContext(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutContext);
  const { context: _context, ...rest } = value as JsonObject;
  return rest;
}

function openFor(
  sections: Sections,
  rule: CompiledRule,
  { step }: CompiledSend,
  key: string,
  at: number,
): OpenDigest | null {
  let first: OpenDigest | null = null;
  for (const { rule: id, value } of waitsOfKind(sections, digestWait)) {
    const isIts = id === rule.id && value.step === step && value.key === key && value.closes >= at;
    if (isIts && (first === null || value.closes < first.closes)) first = value;
  }
  return first;
}

function opened(decision: Pick<Decision, 'id' | 'at'>, { step, digest }: CompiledSend, key: string): OpenDigest {
  const closes = decision.at + digest!.windowMs;
  return { id: digestId(decision.id, step), step, key, closes, items: [], events: [], more: 0, newest: null };
}

function digestId(decision: string, step: number): string {
  return hash('sha256', `digest\0${decision}\0${step}`).slice(0, 32);
}

/** A key that fails is its own value, as that of a cooldown. */
function keyOf({ digest }: CompiledSend, scope: Scope, failed: ExpressionFailed): string {
  const key = digest?.key ?? null;
  if (key === null) return '';
  try {
    return String(key.evaluate(scope));
  } catch (error) {
    failed(key.source, error);
    return '';
  }
}

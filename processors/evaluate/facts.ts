// Facts about an entity that come in as events: traits, group, consent, scores, and that something happened at all.
//
// Owns: writing them into the entity's document. Does not own: reading them (scope.ts).
//
// Invariants:
//   A1. Of two facts about one thing the later-stamped stays; of equal stamps, the later read.
//   A2. What no rule, segment or model asks for is not kept, and no more of it than there is room for (attribute-room.ts).

import { hash } from 'node:crypto';
import type { Needs } from '../../rules/expressions/needs.ts';
import { suppressedAddresses } from '../../rules/gates/suppressed.ts';
import type { Device } from '../../schemas/action.ts';
import { type Command, DEVICE_TEXT_LENGTH_MAX } from '../../schemas/commands.ts';
import { saidIn, wishAfter, wishSince } from '../../schemas/consent-wish.ts';
import type { Event } from '../../schemas/event.ts';
import { COMMAND_EVENT, CONSENT_EVENT, PROFILE_EVENT, SCORE_EVENT } from '../../schemas/internal-events.ts';
import { isJsonObject, type Json, type JsonObject } from '../../schemas/json.ts';
import type { Sections } from '../../schemas/section.ts';
import { forgetDevice, seeDevice } from '../../state/entity/devices.ts';
import type { EntityDocument } from '../../state/entity/document.ts';
import { EventTimes } from '../../state/entity/event-times.ts';
import {
  type Attribute,
  type Attributes,
  accountFacts,
  type Consent,
  consentFacts,
  historyFacts,
  scoreFacts,
} from '../../state/entity/facts.ts';
import { AttributeRoom } from './attribute-room.ts';

/** Categories and channels that one person may have said something about. */
const CONSENTS_MAX = 200;
/** Addresses that one entity had and that turned out to be dead. */
const SUPPRESSED_MAX = 20;

/** Whether the event tells attributes that somebody reads: of the profile, or of the entity's group. */
export function setsAttributes(event: Event, needs: Needs): boolean {
  return (event.type === 'identify' && needs.profile) || (event.type === 'group' && needs.account);
}

/** Consent, scores and commands count from the moment they are read, in every lane. */
export function isInstantFact(event: Event): boolean {
  return isInstantFactName(event.event);
}

export function isInstantFactName(name: string): boolean {
  return name === CONSENT_EVENT || name === SCORE_EVENT || name === COMMAND_EVENT;
}

/** Whether a message about attributes changes any: also that a person is of another group, or that a profile is gone. */
export function tellsAnything(event: Event): boolean {
  return event.type === 'group' || event.event === PROFILE_EVENT || Object.keys(event.traits).length > 0;
}

/** Sets the attributes that the event tells, as far as there is room for them. */
export function applyAttributes(document: EntityDocument, told: Event, needs: Needs): void {
  if (told.type === 'group') {
    const { sections } = document;
    const before = sections.open(accountFacts) ?? null;
    const room = new AttributeRoom(knownBeside(document, told), needs.attributes);
    sections.put(accountFacts, accountAfter(before, room.fit(told)));
    return;
  }
  const event = new AttributeRoom(document.profile, needs.attributes).fit(told);
  const isWhole = event.event === PROFILE_EVENT;
  // A record that was deleted takes all that was known before it away.
  if (isWhole && event.properties['deleted'] === true) {
    for (const [name, { at }] of document.profile ?? []) if (at <= event.time) document.profile!.delete(name);
  }
  const profile = (document.profile ??= new Map());
  for (const [name, value] of Object.entries(event.traits)) setAttribute(profile, name, value, event.time);
  if (profile.size === 0) document.profile = null;
}

/**
 * The event with those of its attributes for which the entity has room, beside what it has and what waits to be evaluated;
 * itself where there is room for all.
 */
export function withinRoom(document: EntityDocument, event: Event, needs: Needs): Event {
  const room = new AttributeRoom(knownBeside(document, event), needs.attributes);
  for (const waiting of document.buffer) if (waiting.type === event.type) room.fit(waiting);
  return room.fit(event);
}

/** What stays beside what the event tells: of another group, nothing. */
function knownBeside({ sections, profile }: EntityDocument, event: Event): Attributes | null {
  if (event.type !== 'group') return profile;
  const account = sections.open(accountFacts) ?? null;
  return account?.get('id')?.value === (event.properties['groupId'] ?? null) ? account : null;
}

/** The same on plain attributes: what they are once the event has been read. */
export function attributesAfter(before: JsonObject, event: Event): JsonObject {
  const isDeletion = event.event === PROFILE_EVENT && event.properties['deleted'] === true;
  return isDeletion ? event.traits : { ...before, ...event.traits };
}

/** What a group message says of the group; another group than before leaves nothing of the old one. */
export function accountAfter(before: Attributes | null, event: Event): Attributes {
  const id = event.properties['groupId'] ?? null;
  const known = before?.get('id');
  if (known !== undefined && known.at > event.time && known.value !== id) return before!;
  const account = known !== undefined && known.value !== id ? new Map<string, Attribute>() : new Map(before);
  setAttribute(account, 'id', id, event.time);
  for (const [name, value] of Object.entries(event.traits)) setAttribute(account, name, value, event.time);
  return account;
}

function setAttribute(attributes: Attributes, name: string, value: Json, at: number): void {
  const before = attributes.get(name);
  if (before === undefined || before.at <= at) attributes.set(name, { value, at });
}

/** Writes a consent or score. `models`: those that are asked for; answers of others are dropped. */
export function applyInstantFact(document: EntityDocument, event: Event, models: ReadonlySet<string>): void {
  if (event.event === CONSENT_EVENT) applyConsent(document, event);
  else if (event.event === COMMAND_EVENT) applyCommand(document, event);
  else applyScore(document, event, models);
}

/** `properties`: as saidIn() takes them; `confirmed: false`: of a yes that is still to be confirmed. */
function applyConsent({ sections }: EntityDocument, { properties, time: at }: Event): void {
  const known = sections.open(consentFacts) ?? [];
  let consent: readonly Consent[] = known;
  if (properties['deleted'] === true) {
    consent = known.flatMap(({ about, ...wish }) => {
      const left = wishSince(wish, at);
      return left === null ? [] : [{ about, ...left }];
    });
  } else {
    const isConfirmed = properties['confirmed'] !== false;
    for (const [about, allowed] of saidIn(properties)) {
      const before = consent.find((one) => one.about === about);
      const others = consent.filter((one) => one !== before).slice(-(CONSENTS_MAX - 1));
      consent = [...others, { about, ...wishAfter(before, { allowed, at, isConfirmed }) }];
    }
  }
  if (consent !== known) sections.put(consentFacts, consent.length === 0 ? null : [...consent]);
}

/** A device to be kept or forgotten; an address that is good again. What is said of flows is theirs (processors/decide/flows/cancel.ts). */
function applyCommand({ sections }: EntityDocument, { properties }: Event): void {
  // As it was read: known-facts.ts lets nothing else through.
  const command = properties as unknown as Command;
  if (command.kind === 'flow-cancel' || command.kind === 'answer' || command.kind === 'assign') return;
  if (command.kind === 'unsuppress') forgetSuppressed(sections, command.address);
  else if (command.op === 'remove') forgetDevice(sections, command.device.id, command.at);
  else seeDevice(sections, command.device, command.at);
}

/** Devices that the event was sent from (Segment: context.device and context.app). */
export function learnDevice({ sections }: EntityDocument, { context, time }: Event): void {
  const { device, app } = context as { readonly device?: Json; readonly app?: Json };
  if (!isJsonObject(device ?? null)) return;
  const { token, type } = device as JsonObject;
  if (typeof token !== 'string' || token === '' || token.length > DEVICE_TEXT_LENGTH_MAX) return;
  const kind = typeof type === 'string' ? DEVICE_TYPES.get(type.toLowerCase()) : undefined;
  if (kind === undefined) return;
  const name = isJsonObject(app ?? null) ? (app as JsonObject)['namespace'] : null;
  const known = {
    id: hash('sha256', token).slice(0, 16),
    type: kind,
    token,
    app: typeof name === 'string' ? name : null,
    subscription: null,
  };
  seeDevice(sections, known, time);
}

/** What Segment's libraries call the kinds of devices. */
const DEVICE_TYPES: ReadonlyMap<string, Device['type']> = new Map([
  ['android', 'android'],
  ['ios', 'ios'],
  ['ipados', 'ios'],
]);

/** The address of a message turned out to be dead; it is remembered by its id (schemas/address.ts). */
/** The address that what came of a message shows to be dead; null: none. */
export function deadAddressOf({ event: name, properties: { address, reason } }: Event): string | null {
  const isDead = name.endsWith('_bounced') || name.endsWith('_complained') || reason === 'suppressed';
  return isDead && typeof address === 'string' ? address : null;
}

export function rememberSuppressed({ sections }: EntityDocument, address: string): void {
  const known = sections.open(suppressedAddresses) ?? [];
  if (!known.includes(address)) sections.put(suppressedAddresses, [...known, address].slice(-SUPPRESSED_MAX));
}

function forgetSuppressed(sections: Sections, address: string): void {
  const left = (sections.open(suppressedAddresses) ?? []).filter((one) => one !== address);
  sections.put(suppressedAddresses, left.length === 0 ? null : left);
}

function applyScore({ sections }: EntityDocument, { properties, time }: Event, models: ReadonlySet<string>): void {
  const model = String(properties['model']);
  const value = typeof properties['value'] === 'number' ? properties['value'] : null;
  const known = (sections.open(scoreFacts) ?? []).filter((one) => models.has(one.model));
  const before = known.find((one) => one.model === model);
  const isNews = models.has(model) && (before === undefined || before.at <= time);
  const scores = isNews ? [...known.filter((one) => one !== before), { model, value, at: time }] : known;
  sections.put(scoreFacts, scores.length === 0 ? null : scores);
}

/**
 * Notes that an event of this name happened. `longestMs`: the longest window asked for; `settled`: no window that is still
 * to be asked about ends at or before it.
 */
export function rememberEvent(
  document: EntityDocument,
  { name, time }: { readonly name: string; readonly time: number },
  longestMs: number,
  settled: number,
): void {
  const { sections } = document;
  const history = sections.open(historyFacts) ?? new Map<string, EventTimes>();
  let times = history.get(name);
  if (times === undefined) history.set(name, (times = new EventTimes()));
  times.add(time, longestMs);
  times.forget(settled - longestMs);
  sections.put(historyFacts, history);
}

/** Drops the history of names that nobody asks for any more (A2). */
export function forgetUnasked({ sections }: EntityDocument, needs: Needs): void {
  const history = sections.open(historyFacts);
  if (history === undefined) return;
  const unasked = [...history.keys()].filter((name) => !needs.history.has(name));
  if (unasked.length === 0) return;
  for (const name of unasked) history.delete(name);
  sections.put(historyFacts, history.size === 0 ? null : history);
}

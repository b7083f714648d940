// What a person's consent comes to: of each thing the newest yes, the newest yes that was confirmed, and the newest no.
//
// Owns: how records of consent add up, the same for whoever reads them: the task that decides, the guard before each attempt, the
// command that shows it. Does not own: what follows from it (rules/gates/consent.ts).
//
// Invariants:
//   W1. In whatever order records are read, they come to the same.
//   W2. Of a yes and a no of the same moment the no holds: who said no then is not asked again.
//   W3. Whether a yes counts before it is confirmed is no part of it, so that a configuration may change its mind.

import { isJsonObject, type JsonObject } from './json.ts';

/** Times in ms since 1970; NEVER: it was not said. */
export interface Wish {
  readonly yesAt: number;
  readonly confirmedAt: number;
  readonly noAt: number;
}

export const NEVER = -1;

const NOTHING: Wish = { yesAt: NEVER, confirmedAt: NEVER, noAt: NEVER };

/** What the person said about all categories. */
export const EVERY_CATEGORY = '*';

/** What the wish about a channel is called. */
export function channelConsent(channel: string): string {
  return `channel:${channel}`;
}

/** `{ all: false, categories: { promotions: false }, channels: { sms: true } }`, each part if it is there, by what it is about. */
export function saidIn({ all, categories, channels }: JsonObject): readonly (readonly [about: string, boolean])[] {
  const said: [string, boolean][] = [];
  const add = (about: string, allowed: unknown): void => {
    if (typeof allowed === 'boolean') said.push([about, allowed]);
  };
  if (isJsonObject(categories)) for (const [name, allowed] of Object.entries(categories)) add(name, allowed);
  if (isJsonObject(channels))
    for (const [name, allowed] of Object.entries(channels)) add(channelConsent(name), allowed);
  add(EVERY_CATEGORY, all);
  return said;
}

export interface SaidAt {
  readonly allowed: boolean;
  readonly at: number;
  /** The person showed to be the one whose address it is. */
  readonly isConfirmed: boolean;
}

export function wishAfter(before: Wish | undefined, { allowed, at, isConfirmed }: SaidAt): Wish {
  const told = {
    yesAt: allowed ? at : NEVER,
    confirmedAt: allowed && isConfirmed ? at : NEVER,
    noAt: allowed ? NEVER : at,
  };
  return both(before ?? NOTHING, told);
}

/** What two readers of different records know, together (W1). */
export function both(one: Wish, other: Wish): Wish {
  return {
    yesAt: Math.max(one.yesAt, other.yesAt),
    confirmedAt: Math.max(one.confirmedAt, other.confirmedAt),
    noAt: Math.max(one.noAt, other.noAt),
  };
}

/** What is left once nothing holds that was said up to `at`; null: nothing. */
export function wishSince({ yesAt, confirmedAt, noAt }: Wish, at: number): Wish | null {
  const since = (time: number): number => (time > at ? time : NEVER);
  const left = { yesAt: since(yesAt), confirmedAt: since(confirmedAt), noAt: since(noAt) };
  return left.yesAt === NEVER && left.noAt === NEVER ? null : left;
}

/** W2. */
export function isYes({ yesAt, noAt }: Wish): boolean {
  return yesAt > noAt;
}

/** Whether there is a confirmed yes since the last no, to this or to everything. */
export function isConfirmedYes(wish: Wish | undefined, everything: Wish | undefined): boolean {
  return wish !== undefined && wish.confirmedAt > Math.max(wish.noAt, everything?.noAt ?? NEVER);
}

// How many people would be reached, with how many messages, and how often in a week.
//
// Invariants:
//   P1. Memory does not grow with people or messages: they are sorted on disk, and looked at one person after the other.

import { ExternalSort } from '../../lib/external-sort.ts';
import type { Action } from '../../schemas/action.ts';
import type { Decision, EntityRef } from '../../schemas/decision.ts';
import type { FatigueFigures } from './summary-schema.ts';

export interface PeopleOfRule {
  /** Entities for which it fired. */
  readonly reach: number;
  readonly messages: number;
}

export interface PeopleFigures extends PeopleOfRule {
  readonly fatigue: FatigueFigures;
  /** How often an entity got so many messages in a week, and how many entities so many rules fired for; in ascending order. */
  readonly weekly: ReadonlyMap<number, number>;
  readonly byRules: ReadonlyMap<number, number>;
  /** By rule. */
  readonly rules: ReadonlyMap<string, PeopleOfRule>;
}

const WEEK_MS = 7 * 86_400_000;
/** 1970 began on a Thursday. */
const FIRST_MONDAY_MS = 4 * 86_400_000;

export class People {
  readonly #sort: ExternalSort;

  constructor(folder: string) {
    this.#sort = new ExternalSort({ folder });
  }

  /** Digests apart: whoever gets one was reached by the matches in it. */
  decision({ rule, entity, outcome, digest }: Decision): void {
    if (outcome === 'fired' && digest === null) this.#add(keyOf(entity), rule, null);
  }

  action({ rule, entity, at }: Action): void {
    this.#add(keyOf(entity), rule, weekOf(at));
  }

  #add(key: string, rule: string, week: number | null): void {
    this.#sort.add(key, JSON.stringify([key, rule, week]));
  }

  /** To be asked once. */
  figures(): PeopleFigures {
    const rules = new Map<string, { reach: number; messages: number }>();
    const weekly = new Map<number, number>();
    const byRules = new Map<number, number>();
    let reach = 0;
    let messages = 0;
    let person: string | null = null;
    let fired = new Set<string>();
    let weeks = new Map<number, number>();
    const settle = (): void => {
      if (fired.size > 0) {
        reach++;
        byRules.set(fired.size, (byRules.get(fired.size) ?? 0) + 1);
      }
      for (const rule of fired) ofRule(rules, rule).reach++;
      for (const count of weeks.values()) weekly.set(count, (weekly.get(count) ?? 0) + 1);
      fired = new Set();
      weeks = new Map();
    };
    for (const line of this.#sort.sorted()) {
      // Lines of a person follow each other, and say whose they are.
      const [key, rule, week] = JSON.parse(line) as [string, string, number | null];
      if (key !== person) settle();
      person = key;
      if (week === null) fired.add(rule);
      else {
        messages++;
        ofRule(rules, rule).messages++;
        weeks.set(week, (weeks.get(week) ?? 0) + 1);
      }
    }
    settle();
    const inWeeks = inOrder(weekly);
    return { reach, messages, fatigue: fatigueOf(inWeeks), weekly: inWeeks, byRules: inOrder(byRules), rules };
  }

  close(): void {
    this.#sort.close();
  }
}

function ofRule(rules: Map<string, { reach: number; messages: number }>, rule: string) {
  let own = rules.get(rule);
  if (own === undefined) rules.set(rule, (own = { reach: 0, messages: 0 }));
  return own;
}

function keyOf({ type, id }: EntityRef): string {
  return `${type}/${id}`;
}

/** The Monday that its week begins with, as weeks since 1970. */
function weekOf(at: number): number {
  return Math.floor((at - FIRST_MONDAY_MS) / WEEK_MS);
}

function inOrder(counts: ReadonlyMap<number, number>): ReadonlyMap<number, number> {
  return new Map([...counts].sort(([a], [b]) => a - b));
}

/** `weekly`: how often a person had so many messages in a week, in ascending order. */
function fatigueOf(weekly: ReadonlyMap<number, number>): FatigueFigures {
  const counts = [...weekly];
  const total = counts.reduce((sum, [, times]) => sum + times, 0);
  const at = (share: number): number => {
    let left = Math.ceil(total * share);
    for (const [count, times] of counts) {
      left -= times;
      if (left <= 0) return count;
    }
    return 0;
  };
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: counts.at(-1)?.[0] ?? 0 };
}

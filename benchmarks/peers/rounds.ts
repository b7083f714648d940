// A B A B …: every case once, then every case again, so that what slows the machine for a while slows them all.

import type { KafkaPlace } from '../kafka-place.ts';
import { removeTraces } from './place.ts';
import { undisturbed } from './standstill.ts';

/** What each round brought of a case, in the order of rounds; undefined where it failed. */
export type Rounds<Case, Result> = ReadonlyMap<Case, readonly (Result | undefined)[]>;

export interface Playing<Case, Result> {
  readonly place: KafkaPlace;
  readonly rounds: number;
  /** Of a case; its runs are named so. */
  readonly nameOf: (one: Case) => string;
  readonly measure: (one: Case, application: string) => Promise<Result>;
  /** What to print of a run that is over. */
  readonly say: (result: Result) => string;
  /** Told of runs that failed; the others go on. */
  readonly onFailure: (text: string) => void;
}

export async function playRounds<Case, Result>(
  cases: readonly Case[],
  { place, rounds, nameOf, measure, say, onFailure }: Playing<Case, Result>,
): Promise<Rounds<Case, Result>> {
  const results = new Map(cases.map((one): [Case, (Result | undefined)[]] => [one, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const [one, done] of results) {
      const name = `${nameOf(one)}-${round}`;
      try {
        const result = await undisturbed((attempt) => play(place, applicationOf(name, attempt), one, measure));
        done.push(result);
        console.log(`${name.padEnd(44)} ${say(result)}`);
      } catch (error) {
        done.push(undefined);
        console.log(`${name.padEnd(44)} failed`);
        onFailure(`${name} failed: ${String(error)}`);
      }
    }
  }
  return results;
}

async function play<Case, Result>(
  place: KafkaPlace,
  application: string,
  one: Case,
  measure: Playing<Case, Result>['measure'],
): Promise<Result> {
  try {
    return await measure(one, application);
  } finally {
    await removeTraces(place, application);
  }
}

/** A name that no other run has. */
function applicationOf(name: string, attempt: number): string {
  return attempt === 1 ? name : `${name}-again-${attempt}`;
}

// A B A B …: every case once, then every case again, so that what slows the machine for a while slows them all.

import type { KafkaPlace } from '../kafka-place.ts';
import { deleteTopics } from './place.ts';

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
      const application = `${nameOf(one)}-${round}`;
      try {
        const result = await measure(one, application);
        done.push(result);
        console.log(`${application.padEnd(44)} ${say(result)}`);
      } catch (error) {
        done.push(undefined);
        console.log(`${application.padEnd(44)} failed`);
        onFailure(`${application} failed: ${String(error)}`);
      }
      await deleteTopics(place, application);
    }
  }
  return results;
}

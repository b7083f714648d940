// What makes an edge fail: for each fault that it can have, a run that injects it and finds the outcome that the edge states.

import type { TestContext } from 'node:test';
import type { Fault } from '../../scripts/edges.ts';

/** A test elsewhere that injects the fault, for what only a whole process can show. */
export interface Elsewhere {
  readonly file: string;
  /** How its name begins. */
  readonly test: string;
}

export type Injection = ((t: TestContext) => Promise<void>) | Elsewhere;
export type Injections = { readonly [Name in Fault]?: Injection };

// A program as a list of steps: each with its number, its place, what is inside of it, and what comes after it.
//
// Invariants:
//   P1. Numbers go in the order of the file, depth first, from 0.
//   P2. `next` is what runs when the step is through: the following one of its list, else what follows the step around it.

import { armsOf, type FlowRule, type Kind, kindOf, type StepBody } from './rule.ts';

export interface Step {
  readonly number: number;
  readonly name: string | null;
  readonly kind: Kind;
  readonly body: StepBody;
  /** Such as `2.1.0`: the first step of the second list inside of the third step. */
  readonly place: string;
  /** Null: the program ends. */
  readonly next: number | null;
  /** The lists inside, in the order of the file: where each begins, which is `next` where it is empty. */
  readonly arms: readonly (number | null)[];
}

export type Program = readonly Step[];

interface Node {
  readonly number: number;
  readonly body: StepBody;
  readonly place: string;
  readonly arms: readonly (readonly Node[])[];
}

export function programOf(rule: FlowRule): Program {
  let count = 0;
  const numbered = (list: readonly StepBody[], around: string): Node[] =>
    list.map((body, index) => {
      const number = count++;
      const place = around + index;
      return { number, body, place, arms: armsOf(body).map((arm, i) => numbered(arm, `${place}.${i}.`)) };
    });
  const steps: Step[] = [];
  const link = (list: readonly Node[], after: number | null): void => {
    for (const [index, { number, body, place, arms }] of list.entries()) {
      const next = list[index + 1]?.number ?? after;
      for (const arm of arms) link(arm, next);
      steps[number] = {
        ...{ number, body, place, next },
        name: body.name ?? null,
        kind: kindOf(body),
        arms: arms.map((arm) => arm[0]?.number ?? next),
      };
    }
  };
  link(numbered(rule.then ?? [], ''), null);
  return steps;
}

/** Whether a flow of it may live longer than its match. */
export function canWait(program: Program): boolean {
  return program.some(({ kind }) => kind === 'wait' || kind === 'waitFor' || kind === 'review');
}

/** Of a waitFor, where it goes on after its entry `index` of `any` (0 without `any`) or, null, after its time. */
export function armOfWaitFor({ body, arms, next }: Step, index: number | null): number | null {
  let place = 0;
  for (const field of Object.keys(body.waitFor!)) {
    if (field === 'onTimeout' || field === 'then') {
      if ((field === 'onTimeout') === (index === null)) return arms[place]!;
      place++;
    } else if (field === 'any') {
      if (index !== null) return arms[place + index]!;
      place += body.waitFor!.any!.length;
    }
  }
  return next;
}

/**
 * Where a flow that waits at `old` goes on in another program (flows, rule changes): the step of the same name, or, without a name,
 * of the same place and kind; else the next one that would have come and survives. Null: there is none.
 */
export function survivor(old: Step, before: Program, after: Program): Step | null {
  let step: Step | null = old;
  while (step !== null) {
    const { name, place, kind }: Step = step;
    const found = after.find((one) =>
      name === null ? one.name === null && one.place === place && one.kind === kind : one.name === name,
    );
    if (found !== undefined) return found;
    step = step.next === null ? null : before[step.next]!;
  }
  return null;
}

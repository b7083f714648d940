// What a service is: a function of plain values, which may be answered in this process or by a worker that runs.
//
// Owns: the words only. operations.ts lists them; live/ carries questions to a worker and answers back.
//
// Invariants every operation keeps:
//   O1. Input, items and result are JSON values (undefined aside): what is asked here and what is asked of a worker give the
//       same.
//   O2. It prints nothing, ends no process, and reads neither arguments nor environment.
//   O3. It ends soon after `signal` aborts, and lets other work of its thread go on (ServiceContext.pause).

import type { Static, TSchema } from 'typebox';
import type { ServiceContext } from './context.ts';

/** About one question. */
export interface Asked {
  readonly signal: AbortSignal;
  /** By another worker: it is answered from what is here, and handed on to nobody. */
  readonly isForwarded: boolean;
}

/** Items one after the other, then the result; or the result alone. */
export type Answer<Item, Result> = AsyncGenerator<Item, Result, void> | Promise<Result>;

/**
 * short: some milliseconds, or a few questions to the log. long: it reads a topic or replays a journal, in time that grows with
 * them. endless: until nobody listens.
 */
export type Patience = 'short' | 'long' | 'endless';

export interface Operation<Input, Item, Result> {
  /** Whether it may change anything. */
  readonly kind: 'read' | 'change';
  readonly patience: Patience;
  /** Whether it is about one entity, and is handed on to the worker that has it. */
  readonly isForwarded: boolean;
  readonly input: TSchema;
  run(context: ServiceContext, input: Input, asked: Asked): AsyncGenerator<Item, Result, void>;
}

type Run<Input, Item, Result> = (context: ServiceContext, input: Input, asked: Asked) => Answer<Item, Result>;

export function read<Input extends TSchema, Result, Item = never>(
  patience: Patience,
  input: Input,
  run: Run<Static<Input>, Item, Result>,
): Operation<Static<Input>, Item, Result> {
  return { kind: 'read', patience, isForwarded: false, input, run: (...args) => answered(run(...args)) };
}

export function change<Input extends TSchema, Result, Item = never>(
  patience: Patience,
  input: Input,
  run: Run<Static<Input>, Item, Result>,
): Operation<Static<Input>, Item, Result> {
  return { ...read(patience, input, run), kind: 'change' };
}

/** Of an operation about one entity. */
export function forwarded<Input, Item, Result>(
  operation: Operation<Input, Item, Result>,
): Operation<Input, Item, Result> {
  return { ...operation, isForwarded: true };
}

async function* answered<Item, Result>(answer: Answer<Item, Result>): AsyncGenerator<Item, Result, void> {
  return answer instanceof Promise ? await answer : yield* answer;
}

/** Takes the items one after the other, if anybody wants them, and gives the result. */
export async function resultOf<Item, Result>(
  answer: AsyncGenerator<Item, Result, void>,
  onItem: (item: Item) => void = () => {},
): Promise<Result> {
  for (;;) {
    const { done, value } = await answer.next();
    if (done === true) return value;
    onItem(value);
  }
}

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
import type { ServiceContext } from './service-context.ts';

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

export interface Service<Input, Item, Result> {
  /** What it is asked with. */
  readonly input: TSchema;
  readonly run: (context: ServiceContext, input: Input, asked: Asked) => Answer<Item, Result>;
}

export interface Operation<Input, Item, Result> {
  /** Whether it may change anything. */
  readonly kind: 'read' | 'change';
  readonly patience: Patience;
  /** Whether it is about one entity, and is handed on to the worker that has it. */
  readonly isForwarded: boolean;
  /** Its code is loaded when somebody asks: a worker that nobody asks pays nothing. */
  readonly load: () => Promise<Service<Input, Item, Result>>;
}

/** A function as a service, which is asked with what `input` describes. */
export function service<Schema extends TSchema, Result, Item = never>(
  input: Schema,
  run: Service<Static<Schema>, Item, Result>['run'],
): Service<Static<Schema>, Item, Result> {
  return { input, run };
}

export function read<Input, Item, Result>(
  patience: Patience,
  load: () => Promise<Service<Input, Item, Result>>,
): Operation<Input, Item, Result> {
  return { kind: 'read', patience, isForwarded: false, load };
}

export function change<Input, Item, Result>(
  patience: Patience,
  load: () => Promise<Service<Input, Item, Result>>,
): Operation<Input, Item, Result> {
  return { kind: 'change', patience, isForwarded: false, load };
}

/** Of an operation about one entity. */
export function forwarded<Input, Item, Result>(
  operation: Operation<Input, Item, Result>,
): Operation<Input, Item, Result> {
  return { ...operation, isForwarded: true };
}

/** Answers in this thread. */
export async function* answered<Input, Item, Result>(
  service: Service<Input, Item, Result>,
  context: ServiceContext,
  input: Input,
  asked: Asked,
): AsyncGenerator<Item, Result, void> {
  const answer = service.run(context, input, asked);
  return answer instanceof Promise ? await answer : yield* answer;
}

/** Lets other work of the thread go on, and throws the reason once nobody wants the answer any more (O3). */
export type Pause = () => Promise<void>;

/** Records between two pauses: some ms of work. */
export const PAUSE_RECORDS = 1_000;

export function pauseOf(context: ServiceContext, { signal }: Asked): Pause {
  return async () => {
    await context.pause();
    signal.throwIfAborted();
  };
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

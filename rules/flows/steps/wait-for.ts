// `waitFor`: the flow waits for an event; it, or the time-out, decides where it goes on.
//
// Invariants:
//   F1. The first event with time in (t, t + atMost] that fits, in event-time order, of equal times in input order; of several
//       that fit the same event, the first of the list.
//   F2. Without one, the time-out comes at t + atMost, after the events stamped with it.

import Type, { type Static } from 'typebox';
import type { Event } from '../../../schemas/event.ts';
import type { Path } from '../../language/parse.ts';
import { As, duration, EventNames, fields, IDENTIFIER_PATTERN, type Loose, Where } from '../../language/parts.ts';
import {
  type EventFilter,
  filterOf,
  interestsOf,
  matchesFilter,
  msOf,
  namesInWords,
} from '../../patterns/definition.ts';
import {
  defineStep,
  type InnerSteps,
  type Move,
  STEPS_REFERENCE,
  type StepBody,
  type StepTools,
  type Turn,
} from '../step.ts';

const inner = (description: string) =>
  Type.Optional(Type.Unsafe<readonly StepBody[]>({ $ref: `#/definitions/${STEPS_REFERENCE}`, description }));

const AnyOf = fields({
  event: EventNames,
  where: Type.Optional(Where),
  as: Type.Optional(As),
  do: inner('Steps, if it is the first.'),
});

const WaitFor = fields(
  {
    event: Type.Optional(EventNames),
    where: Type.Optional(Where),
    as: Type.Optional(As),
    any: Type.Optional(
      Type.Array(AnyOf, { minItems: 1, maxItems: 16, description: 'In place of event: the first of them decides.' }),
    ),
    atMost: duration('Waits no longer than this.'),
    // biome-ignore lint/suspicious/noThenProperty: the language's word; a schema is never awaited.
    then: inner('Steps, if it came.'),
    onTimeout: inner('Steps, if it did not.'),
  },
  { description: 'Waits for an event.' },
);

interface AwaitedBody {
  readonly event?: string | readonly (string | undefined)[] | undefined;
  readonly where?: string | undefined;
  readonly as?: string | undefined;
  readonly do?: readonly StepBody[] | undefined;
}

type WaitForBody = Omit<Loose<Static<typeof WaitFor>>, 'any' | 'then' | 'onTimeout'> & {
  readonly any?: readonly (AwaitedBody | undefined)[] | undefined;
  readonly then?: readonly StepBody[] | undefined;
  readonly onTimeout?: readonly StepBody[] | undefined;
};

interface Awaited {
  readonly filter: EventFilter;
  readonly capture: string | null;
  readonly to: number;
  /** Whether it has steps of its own. */
  readonly hasSteps: boolean;
}

export const waitForStep = defineStep<WaitForBody>({
  kind: 'waitFor',
  shape: WaitFor,
  lists,
  compile(body, tools) {
    checkForm(body, tools);
    const awaited = awaitedOf(body, tools);
    const timeout =
      tools.starts.at(lists(body, tools.path).findIndex(({ path }) => path.at(-1) === 'onTimeout')) ?? tools.next;
    const onTimeout = body.onTimeout === undefined ? tools.next : timeout;
    const atMostMs = msOf(body.atMost);
    return {
      listensTo: interestsOf(awaited.map(({ filter }) => filter)),
      waitsFor: namesOf(body),
      onwards: onwardsOf(body),
      longestMs: atMostMs,
      enter: ({ at }): Move => ({ until: at + atMostMs, reason: null }),
      onEvent: (turn, event) => onEvent(awaited, turn, event),
      onDeadline: () => ({ to: onTimeout }),
    };
  },
  words: (body) => `wait for ${namesOf(body)}, at most ${body.atMost ?? ''}`,
});

const TIMEOUT = 'time-out';

function onEvent(awaited: readonly Awaited[], turn: Turn, event: Event): Move | null {
  const { scope, failed } = turn;
  const { event: ofMatch, captures } = scope;
  const input = { scope, failed };
  const found = awaited.find(({ filter }) => matchesFilter(filter, event, captures, input));
  scope.event = ofMatch;
  scope.captures = captures;
  if (found === undefined) return null;
  if (found.capture !== null) turn.capture(found.capture, event);
  return { to: found.to };
}

/** The lists of steps inside, in the order in which they are written; a name without a list is read by the steps behind it. */
function lists(body: WaitForBody, path: Path): readonly InnerSteps[] {
  const isNameOnly = body.as !== undefined && body.then === undefined && body.any === undefined;
  return [...Object.keys(body), ...(isNameOnly ? ['then'] : [])].flatMap((field): InnerSteps[] => {
    if (field === 'any') {
      return (body.any ?? []).map((one, place) => ({
        path: [...path, 'any', place, 'do'],
        steps: one?.do,
        word: namesInWords(one),
        capture: nameOf(one?.as),
      }));
    }
    if (field === 'then') {
      return [{ path: [...path, 'then'], steps: body.then, word: namesOf(body), capture: nameOf(body.as) }];
    }
    return field === 'onTimeout' ? [{ path: [...path, 'onTimeout'], steps: body.onTimeout, word: TIMEOUT }] : [];
  });
}

/** When it goes straight on. */
function onwardsOf(body: WaitForBody): readonly string[] {
  return [
    ...(body.any === undefined && body.then === undefined ? [namesOf(body)] : []),
    ...(body.onTimeout === undefined ? [TIMEOUT] : []),
  ];
}

function nameOf(as: string | undefined): string | null {
  return as !== undefined && new RegExp(IDENTIFIER_PATTERN).test(as) ? as : null;
}

function checkForm(body: WaitForBody, { builder, path }: StepTools): void {
  // What is there and has a mistake was reported with its shape.
  const isWritten = (field: string): boolean => builder.document.node([...path, field]) !== undefined;
  if (isWritten('any') === isWritten('event')) {
    builder.error(path, '"waitFor" has either "event" or "any"', 'such as waitFor: { event: purchase, atMost: 24h }');
  }
  for (const field of ['where', 'as', 'then'] as const) {
    if (!isWritten('any') || body[field] === undefined) continue;
    const hint = field === 'then' ? 'each entry has its own "do"' : 'put it into the entries of the list';
    builder.error([...path, field], `"${field}" does not belong beside "any"`, hint);
  }
}

function awaitedOf(body: WaitForBody, tools: StepTools): readonly Awaited[] {
  const { builder, path, eventNames, starts, next } = tools;
  const inside = lists(body, path);
  const entry = (one: AwaitedBody | undefined, place: Path, list: Path): Awaited => {
    const start = inside.findIndex((each) => each.path.join('.') === list.join('.'));
    return {
      filter: filterOf(one?.event, builder.condition([...place, 'where'], one?.where, eventNames)),
      capture: builder.capture([...place, 'as'], one?.as),
      to: start < 0 ? next : starts[start]!,
      hasSteps: start >= 0 && inside[start]!.steps !== undefined,
    };
  };
  if (body.any === undefined) return [entry(body, path, [...path, 'then'])];
  return body.any.map((one, index) => entry(one, [...path, 'any', index], [...path, 'any', index, 'do']));
}

function namesOf(body: WaitForBody): string {
  return namesInWords(body.any === undefined ? body : [...body.any]);
}

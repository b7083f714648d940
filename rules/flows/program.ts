// `then` as a program: its steps by number, each with the one that follows it. A flow's place in it is one number.
//
// Owns: numbering, names, which step follows which. Does not own: what a step does (steps/), the flow as a whole (whole.ts).
//
// Invariants:
//   P1. Steps are numbered in the order of the file, depth first, from 0; whatever follows a step has a higher number.
//   P2. A step at which flows wait has a name or a place that a change of the rule can find again (outline).

import Type from 'typebox';
import type { Names } from '../expressions/compiler.ts';
import type { RuleBuilder } from '../expressions/rule-builder.ts';
import type { Path } from '../language/parse.ts';
import { fields, NAME_PATTERN } from '../language/parts.ts';
import { outlineOf } from './moving.ts';
import type { ChannelOptions, CompiledSend } from './send.ts';
import {
  type CompiledStep,
  END,
  type InnerSteps,
  STEPS_REFERENCE,
  type StepBody,
  type StepDefinition,
  type StepTools,
} from './step.ts';
import { STEPS } from './steps/index.ts';
import { compileWhole, type FlowAsWhole, type WholeBody } from './whole.ts';

/** Of one list; above it a rule is several. */
const STEPS_MAX = 20;
/** Deeper is not to be read. */
const DEPTH_MAX = 6;

const Step = fields({
  name: Type.Optional(
    Type.String({
      pattern: NAME_PATTERN,
      description: 'Unique in the rule: flows that wait are found by it when the rule changes.',
    }),
  ),
  ...Object.fromEntries(STEPS.map(({ kind, shape }) => [kind, Type.Optional(shape)])),
});

/** A list of steps, and how it stands in the definitions of the rule schema. */
export const StepsShape = Type.Array(Step, { maxItems: STEPS_MAX, description: 'Steps, one after the other.' });

export const Steps = Type.Unsafe<readonly StepBody[]>({
  $ref: `#/definitions/${STEPS_REFERENCE}`,
  description: 'What to do. Left out: only decisions are written.',
});

export interface CompiledProgram extends FlowAsWhole {
  /** By number. */
  readonly steps: readonly CompiledStep[];
  readonly sends: readonly CompiledSend[];
  /** Whether what it does may last, or is told of: false for sends alone, which are over when they are written. */
  readonly isFlow: boolean;
  /** Whether it ever waits. */
  readonly waits: boolean;
  /** Names of events that its flows may wait for, be ended by, or reach their goal with. */
  readonly listensTo: readonly string[] | '*';
  /** Its steps as one text, which is kept with each flow (moving.ts). */
  readonly outline: string;
}

/** Kinds of steps at which a flow may wait; a send does for quiet hours. */
export const WAITING_STEPS: ReadonlySet<string> = new Set(['wait', 'waitFor', 'review']);

export interface ProgramOptions {
  /** What expressions of steps may use. */
  readonly names: Names;
  /** The same for conditions on events to come. */
  readonly eventNames: Names;
  readonly channels: ChannelOptions;
}

/** Mistakes go to the builder; a program with some is not run. */
export function compileProgram(
  body: WholeBody & { readonly then?: readonly (StepBody | undefined)[] | undefined },
  builder: RuleBuilder,
  options: ProgramOptions,
): CompiledProgram {
  const compilation = new Compilation(builder, options.channels);
  compilation.list(body.then, { path: ['then'], place: '', after: END, depth: 0 }, options);
  const { steps } = compilation;
  const whole = compileWhole(body, options.eventNames, builder);
  const isFlow = steps.some(({ kind }) => kind !== 'send') || whole.goal !== null || whole.stopOn.length > 0;
  return {
    ...whole,
    steps,
    sends: steps.flatMap(({ send }) => send ?? []),
    isFlow,
    waits: steps.some(({ kind }) => WAITING_STEPS.has(kind)),
    listensTo: listensTo(steps, whole),
    outline: outlineOf(steps),
  };
}

function listensTo(steps: readonly CompiledStep[], { goal, stopOn }: FlowAsWhole): readonly string[] | '*' {
  const filters = [...(goal === null ? [] : [goal.filter]), ...stopOn];
  const asked = [
    ...steps.map((step) => step.listensTo ?? []),
    ...filters.map(({ names }) => (names === null ? ('*' as const) : [...names])),
  ];
  return asked.includes('*') ? '*' : [...new Set((asked as (readonly string[])[]).flat())];
}

/** Where a list of steps, or a step, stands. */
interface Where {
  readonly path: Path;
  /** The way to it through the lists around it (CompiledStep); of a list, with the dot behind it. */
  readonly place: string;
  /** The number of the step that follows it. */
  readonly after: number;
  readonly depth: number;
}

type NamesOfSteps = Pick<ProgramOptions, 'names' | 'eventNames'>;

class Compilation {
  readonly steps: CompiledStep[] = [];
  readonly #builder: RuleBuilder;
  readonly #channels: ChannelOptions;
  readonly #names = new Set<string>();

  constructor(builder: RuleBuilder, channels: ChannelOptions) {
    this.#builder = builder;
    this.#channels = channels;
  }

  /** Compiles a list; `after`: the number of the step that follows it. Returns the number of its first step, or `after`. */
  list(
    bodies: readonly (StepBody | undefined)[] | undefined,
    { path, place: lists, after, depth }: Where,
    names: NamesOfSteps,
  ): number {
    if (depth > DEPTH_MAX) {
      this.#builder.error(path, `steps may be nested ${DEPTH_MAX} deep`);
      return after;
    }
    const first = this.steps.length;
    const list = bodies ?? [];
    let known = names;
    for (const [place, body] of list.entries()) {
      const number = this.steps.length;
      const next = place === list.length - 1 ? after : number + sizeOf(body, [...path, place]);
      known = this.#step(body, { path: [...path, place], place: `${lists}${place}`, after: next, depth }, known);
    }
    return this.steps.length === first ? after : first;
  }

  /** The names that the steps after it may use. */
  #step(body: StepBody | undefined, { path, place, after: next, depth }: Where, names: NamesOfSteps): NamesOfSteps {
    const definition = this.#kindOf(body, path);
    const number = this.steps.length;
    // Its number stays taken, so that those of the others are right.
    this.steps.push(placeholder(number, place, next, path));
    if (definition === null || body === undefined) return names;
    const own = body[definition.kind];
    const inside = definition.lists?.(own, [...path, definition.kind]) ?? [];
    const starts = inside.map(({ path: at, steps, capture }, list) =>
      this.list(steps, { path: at, place: `${place}.${list}.`, after: next, depth: depth + 1 }, named(names, capture)),
    );
    const tools: StepTools = {
      ...names,
      path: [...path, definition.kind],
      number,
      next,
      builder: this.#builder,
      channels: this.#channels,
      starts,
    };
    const { send = null, ...acts } = definition.compile(own, tools);
    this.steps[number] = {
      ...acts,
      send,
      number,
      place,
      path: tools.path,
      name: body.name ?? null,
      kind: definition.kind,
      next,
      branches: inside.map(({ word }, place) => ({ word, to: starts[place]! })),
      words: definition.words(own),
    };
    this.#checkName(body.name, [...path, 'name']);
    return inside.reduce((known, { capture }) => named(known, capture), names);
  }

  #kindOf(body: StepBody | undefined, path: Path): StepDefinition | null {
    const node = this.#builder.document.node(path);
    const written = node?.kind === 'map' ? [...node.entries.keys()] : [];
    const kinds = written.filter((name) => name !== 'name');
    if (node !== undefined && kinds.length === 0) {
      this.#builder.error(path, 'the step says nothing to do', `one of ${STEPS.map(({ kind }) => kind).join(', ')}`);
    }
    if (kinds.length > 1) {
      const message = `a step does one thing, not ${kinds.join(' and ')}`;
      this.#builder.error(path, message, 'make steps of them, one after the other');
      return null;
    }
    // One that is not known, or not usable at all, was reported with its shape.
    return STEPS.find(({ kind }) => kind === kinds[0] && body?.[kind] !== undefined) ?? null;
  }

  #checkName(name: string | undefined, path: Path): void {
    if (name === undefined) return;
    if (this.#names.has(name))
      this.#builder.error(path, `there is a step "${name}" already`, 'names are unique in a rule');
    this.#names.add(name);
  }
}

function placeholder(number: number, place: string, next: number, path: Path): CompiledStep {
  const move = { to: next };
  return {
    number,
    place,
    path,
    next,
    name: null,
    kind: 'none',
    branches: [],
    words: '',
    send: null,
    enter: () => move,
  };
}

function named(names: NamesOfSteps, capture: string | null | undefined): NamesOfSteps {
  if (capture === null || capture === undefined) return names;
  const add = (known: Names): Names => ({ ...known, captures: [...known.captures, capture] });
  return { names: add(names.names), eventNames: add(names.eventNames) };
}

/** How many steps a step is, with those inside of it. */
function sizeOf(body: StepBody | undefined, path: Path): number {
  if (body === undefined) return 1;
  const definition = STEPS.find(({ kind }) => body[kind] !== undefined);
  const inside: readonly InnerSteps[] = definition?.lists?.(body[definition.kind], path) ?? [];
  return inside.reduce((sum, { steps = [] }) => sum + steps.reduce((inner, step) => inner + sizeOf(step, path), 0), 1);
}

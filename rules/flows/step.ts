// What a step is: compiled, to the flow that runs through it; and to the language, as its shape and how its fields become it.
//
// Owns: interfaces only. Each step is one file in steps/ and a line in steps/index.ts; program.ts puts them together,
// processors/flow runs them.
//
// Invariants:
//   S1. A step does no I/O and reads no clock: time comes in with the turn.
//   S2. Steps go forward only: a program ends.

import type { TSchema } from 'typebox';
import type { EntityRef } from '../../schemas/decision.ts';
import type { Event } from '../../schemas/event.ts';
import type { JsonObject } from '../../schemas/json.ts';
import type { Names } from '../expressions/compiler.ts';
import type { RuleBuilder } from '../expressions/rule-builder.ts';
import type { ExpressionFailed, Scope } from '../expressions/scope.ts';
import type { Path } from '../language/parse.ts';
import type { Flow } from './flow.ts';
import type { ChannelOptions, CompiledSend } from './send.ts';

/** Behind the last step. */
export const END = -1;

/** Where a flow goes from a step: on to another (END: it has completed), out, or it stays until then. */
export type Move =
  | { readonly to: number }
  | { readonly exit: 'exit' | 'rejected' }
  | { readonly until: number; readonly reason: string | null };

/** What a person said of a flow that waits for it. */
export interface Answer {
  readonly verdict: 'approve' | 'edit' | 'reject';
  /** Of `edit`: what takes the place of values of the messages' data. */
  readonly data: JsonObject;
  readonly by: string;
  readonly note?: string;
}

/** What became of a send. `until`: quiet hours hold it. */
export type Attempt = { readonly sent: true } | { readonly sent: false } | { readonly until: number };

/** A flow at one of its steps, at one moment of event time. */
export interface Turn {
  /** Event time, ms. */
  readonly at: number;
  readonly flow: Pick<Flow, 'id' | 'rule' | 'startedAt' | 'since' | 'chosen'>;
  readonly entity: EntityRef;
  /** Captures, profile and `now` as of the turn; `event` is the match's. */
  readonly scope: Scope;
  readonly failed: ExpressionFailed;
  /** Asks the gates of a send, and sends it if they let it. */
  attempt(send: CompiledSend): Attempt;
  /** Attributes of the profile, as an identify message stamped now would tell them. */
  set(attributes: JsonObject): void;
  /** An event of the entity, stamped now. */
  emit(event: string, properties: JsonObject): void;
  /** From here on expressions read the event by this name. */
  capture(name: string, event: Event): void;
  /** The variant of the experiment that the entity was given before; null: none. */
  assigned(experiment: string): string | null;
  chose(experiment: string, variant: string): void;
  /** What a person changed of the data of the messages to come. */
  edit(data: JsonObject): void;
  note(kind: 'skipped' | 'reviewed', reason: string, said?: { readonly by: string; readonly note?: string }): void;
}

export interface StepActs {
  enter(turn: Turn): Move;
  /** Names of events that it is to be shown while the flow waits here; left out: none. */
  readonly listensTo?: readonly string[] | '*';
  /** Null: the event does not concern it. */
  onEvent?(turn: Turn, event: Event): Move | null;
  /** The wait is over; left out: the step is entered anew. */
  onDeadline?(turn: Turn): Move;
  onAnswer?(turn: Turn, answer: Answer): Move;
  /** What it waits for, as one reads it; left out: for its time. */
  readonly waitsFor?: string;
  /** When it goes straight to the step after it, a word or two each; left out: always, but for its lists of steps. */
  readonly onwards?: readonly string[];
  /** When it ends the flow, a word or two each; left out: never. */
  readonly ends?: readonly string[];
  /** How long a flow stays at the longest, ms, as far as that is written down; left out: no time. */
  readonly longestMs?: number;
  /** The name of the event that it emits. */
  readonly emits?: string;
  /** Of one that waits for a person: what that person is to look at. */
  readonly asks?: string;
  /** Of one that waits for a person: what counts where nobody answers. */
  readonly onTimeout?: 'approve' | 'reject';
}

export interface CompiledStep extends StepActs {
  /** Its number: steps are numbered in the order of the file, depth first, from 0. */
  readonly number: number;
  readonly name: string | null;
  readonly kind: string;
  /** The way to it through the lists: `2.1.0` is the first step of the second list of the third. */
  readonly place: string;
  /** Where it stands in the rule, with its kind. */
  readonly path: Path;
  /** The number of the step after it; END: there is none. */
  readonly next: number;
  /** The steps that lists inside of it begin with, with a word for each. */
  readonly branches: readonly { readonly word: string; readonly to: number }[];
  /** What it does, in a few words. */
  readonly words: string;
  readonly send: CompiledSend | null;
}

/** A list of steps inside of a step. */
export interface InnerSteps {
  readonly path: Path;
  readonly steps: readonly (StepBody | undefined)[] | undefined;
  /** When it is taken, in a word or two. */
  readonly word: string;
  /** The name that its steps, and those after it, may read; null: none. */
  readonly capture?: string | null;
}

/** A step as it is written, its shape checked: one kind under its name, and what stands beside it. */
export interface StepBody {
  readonly [kind: string]: unknown;
  readonly name?: string | undefined;
}

export interface StepTools {
  /** Where the step's own fields are. */
  readonly path: Path;
  readonly number: number;
  /** Of the step after it. */
  readonly next: number;
  /** What its expressions may use. */
  readonly names: Names;
  /** The same for expressions over an event that is to come. */
  readonly eventNames: Names;
  readonly builder: RuleBuilder;
  readonly channels: ChannelOptions;
  /** First steps of the lists that lists() gave, in their order; `next` for one that is empty. */
  readonly starts: readonly number[];
}

/** A step of the language: all that there is of it, but for its line in steps/index.ts. */
export interface StepDefinition<Body = unknown> {
  readonly kind: string;
  readonly shape: TSchema;
  /** The lists of steps inside of it, in the order of the file; left out: there are none. */
  lists?(body: Body, path: Path): readonly InnerSteps[];
  /** The body may lack parts that had mistakes, which were reported. */
  compile(body: Body, tools: StepTools): StepActs & { readonly send?: CompiledSend };
  /** What it does, in a few words. */
  words(body: Body): string;
}

export function defineStep<Body>(definition: StepDefinition<Body>): StepDefinition {
  return definition as StepDefinition;
}

/** Where steps inside of a step stand in the rule schema. */
export const STEPS_REFERENCE = 'steps';

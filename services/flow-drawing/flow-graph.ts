// A rule's program as a graph to be drawn: its steps, where each leads and when, and what ends the flow whatever its step.
//
// Owns: the words on boxes and arrows. Does not own: how they are written (mermaid.ts) or placed (svg-layout.ts, svg.ts).
//
// Invariants:
//   G1. Every arrow leads forward: from a step to one of a higher number, or to the end.

import { assert } from '../../lib/assert.ts';
import { END } from '../../rules/flows/step.ts';
import type { CompiledRule } from '../../rules/project/compiled-rule.ts';
import { endsInWords } from '../flows/program-words.ts';

export interface FlowArrow {
  /** When it is taken; null: always. */
  readonly word: string | null;
  /** Number of a step, or END. */
  readonly to: number;
}

export interface FlowBox {
  readonly number: number;
  readonly kind: string;
  readonly name: string | null;
  /** What it does. */
  readonly words: string;
  /** More about it, a line each. */
  readonly notes: readonly string[];
  /** Of the step after it, where its lists of steps lead in the end. */
  readonly next: number;
  readonly arrows: readonly FlowArrow[];
}

export interface FlowGraph {
  readonly rule: string;
  readonly description: string | null;
  /** By number. */
  readonly boxes: readonly FlowBox[];
  /** What ends the flow at once wherever it is. */
  readonly ends: readonly string[];
}

export function flowGraphOf({ id, description, program }: CompiledRule): FlowGraph {
  const { steps } = program;
  const boxes = steps.map(({ number, kind, name, words, next, branches, onwards, ends = [], send }): FlowBox => {
    const straight = onwards ?? (branches.length === 0 ? [null] : []);
    const arrows = [
      ...branches.map(({ word, to }) => ({ word, to })),
      ...straight.map((word): FlowArrow => ({ word, to: next })),
    ];
    assert(
      arrows.every(({ to }) => to === END || to > number),
      'a program goes forward only (G1)',
    );
    const fallback = send?.channels.slice(1) ?? [];
    const notes = [
      ...(fallback.length > 0 ? [`else ${fallback.join(', ')}`] : []),
      ...(send?.condition === null || send === null ? [] : [`if ${send.condition.source}`]),
      ...ends.map((word) => `ends the flow: ${word}`),
    ];
    return { number, kind, name, words, notes, next, arrows };
  });
  return {
    rule: id,
    description,
    boxes,
    ends: endsInWords(program),
  };
}

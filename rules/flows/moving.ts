// A flow that waits while its rule changes: where it goes on in the program of the new version.
//
// Owns: the outline of a program, which is kept with each flow, since the program it began with may be gone.
//
// Invariants:
//   V1. At the step of the same name, or for one without, of the same place and kind; else at the next step of its own way that
//       is still there; else nowhere.
//   V2. A running wait keeps its deadline; where its step is gone, the flow goes on at the next one then.

import { type CompiledStep, END } from './step.ts';

/** `stays`: it waits at the same step; else it enters `to` when its wait is over. */
export interface Moved {
  readonly to: number;
  readonly stays: boolean;
}

/** Of each step its name, or its place and kind, and the number of the step after it. */
export function outlineOf(steps: readonly Pick<CompiledStep, 'name' | 'place' | 'kind' | 'next'>[]): string {
  return steps.map(({ name, place, kind, next }) => `${name ?? `@${place}:${kind}`}>${next}`).join('|');
}

/** Null: none of the steps that were to come is left. */
export function movedTo(before: string, step: number, now: string): Moved | null {
  const old = before.split('|').map((part) => part.split('>') as [string, string]);
  const labels = now.split('|').map((part) => part.split('>')[0]!);
  for (let number = step; number !== END && number < old.length; number = Number(old[number]![1])) {
    const to = labels.indexOf(old[number]![0]);
    if (to >= 0) return { to, stays: number === step };
  }
  return null;
}

/** What the outline says of a step: its name, or of one without its kind. */
export function labelAt(outline: string, step: number): { readonly name: string | null; readonly kind: string | null } {
  const label = outline.split('|')[step]?.split('>')[0] ?? '';
  const [, kind] = /^@\d+:(.+)$/.exec(label) ?? [];
  return kind === undefined ? { name: label === '' ? null : label, kind: null } : { name: null, kind };
}
